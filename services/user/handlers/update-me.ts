import { z } from 'zod';
import type { UpdateMeRequest, UpdateMeResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Database } from '#kit/db/database.ts';
import { etag, readIfMatch, sendEtag } from '#kit/etag.ts';
import { type AddEvent, insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { type UserRow, userColumns } from '../entities/user-entity.ts';
import { userUpdated } from '../events.ts';
import { findUser } from '../profiles/find-user.ts';
import { bio, displayName, links, locale, location } from '../profiles/profile-input.ts';
import type { PublishedProfiles } from '../profiles/published-profiles.ts';
import { eventUser, profileEtag, userMessage } from '../profiles/user-message.ts';

const input = z.object({
  displayName: displayName().optional(),
  bio: bio().optional(),
  links: links().optional(),
  location: location().optional(),
  locale: locale().optional(),
  etag: etag(),
});

/**
 * Null leaves a column as it is. Nothing is returned when nothing would be different. The version from before is read behind the lock on
 * the row, and the new one drawn behind it.
 */
const UPDATE = {
  name: 'user-update',
  text: `update users as u set
      display_name = coalesce($2::text, u.display_name), bio = coalesce($3::text, u.bio),
      links = coalesce($4::text[], u.links), location = coalesce($5::text, u.location),
      locale = coalesce($6::text, u.locale), version = nextval('outbox_id_seq')
    from (select id, version from users where id = $1::uuid for no key update) as former
    where u.id = former.id
      and (u.display_name <> $2::text or u.bio <> $3::text or u.links <> $4::text[] or u.location <> $5::text or u.locale <> $6::text)
    returning ${userColumns('u')}, former.version::float8 as "formerVersion"`,
};

export interface UpdateMeDependencies {
  db: Database;
  outbox: Outbox;
  profiles: PublishedProfiles;
}

/** @throws OxoError VALIDATION_FAILED, ETAG_MISMATCH, USER_NOT_FOUND when the caller is gone */
export function updateMe({ db, outbox, profiles }: UpdateMeDependencies) {
  return async (request: UpdateMeRequest, context: CallContext): Promise<UpdateMeResponse> => {
    const { userId } = requireViewer(context);
    const { displayName, bio, links, location, locale, etag } = validate(input, request);
    const requireMatch = readIfMatch(context, etag);

    const write = (add: AddEvent) =>
      db.transaction(async (tx) => {
        const values = [userId, displayName, bio, links, location, locale];
        const [row] = await tx.query<UserRow & { formerVersion: number }>(UPDATE, values);
        if (row === undefined) return undefined;
        requireMatch(profileEtag({ id: userId, version: row.formerVersion }));
        const event = add(outbox.row(userUpdated, { user: eventUser(row) }, context));
        await insertEvent(tx, event, row.version);
        return row;
      });
    const changed = await outbox.commit([], write, (row) => (row ? profiles.changed(row) : undefined));
    const row = changed ?? (await findUser(db, { id: userId })).row;
    const user = userMessage(row, { following: false, followedBy: false });
    if (changed === undefined) requireMatch(user.etag);
    sendEtag(context, user.etag);
    return { user };
  };
}
