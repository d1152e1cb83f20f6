import { z } from 'zod';
import type { UpdateMeRequest, UpdateMeResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Database } from '#kit/db/database.ts';
import { userNotFound } from '#kit/errors.ts';
import { type AddEvent, insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { USER_COLUMNS, type UserRow } from '../entities/user-entity.ts';
import { userUpdated } from '../events.ts';
import { findUser } from '../profiles/find-user.ts';
import { bio, displayName, links, locale, location } from '../profiles/profile-input.ts';
import type { PublishedProfiles } from '../profiles/published-profiles.ts';
import { userMessage } from '../profiles/user-message.ts';

const input = z.object({
  displayName: displayName().optional(),
  bio: bio().optional(),
  links: links().optional(),
  location: location().optional(),
  locale: locale().optional(),
});

/** Null leaves a column as it is. The version is drawn again when the statement had to wait for the row. */
const UPDATE = {
  name: 'user-update',
  text: `update users as u set
      display_name = coalesce($2::text, u.display_name), bio = coalesce($3::text, u.bio),
      links = coalesce($4::text[], u.links), location = coalesce($5::text, u.location),
      locale = coalesce($6::text, u.locale), version = nextval('outbox_id_seq')
    where u.id = $1::uuid returning ${USER_COLUMNS}`,
};

export interface UpdateMeDependencies {
  db: Database;
  outbox: Outbox;
  profiles: PublishedProfiles;
}

export function updateMe({ db, outbox, profiles }: UpdateMeDependencies) {
  return async (request: UpdateMeRequest, context: CallContext): Promise<UpdateMeResponse> => {
    const { userId } = requireViewer(context);
    const changes = validate(input, request);
    const values = [changes.displayName, changes.bio, changes.links, changes.location, changes.locale];
    const relationship = { following: false, followedBy: false };
    if (values.every((value) => value === undefined)) {
      const { row } = await findUser(db, { id: userId });
      return { user: userMessage(row, relationship) };
    }

    const write = (add: AddEvent) =>
      db.transaction(async (tx) => {
        const [row] = await tx.query<UserRow>(UPDATE, [userId, ...values]);
        if (row === undefined) throw userNotFound();
        const event = add(outbox.row(userUpdated, { user: userMessage(row) }, context));
        await insertEvent(tx, event, row.version);
        return row;
      });
    const row = await outbox.commit([], write, profiles.changed);
    return { user: userMessage(row, relationship) };
  };
}
