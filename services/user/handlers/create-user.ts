import { z } from 'zod';
import type { CreateUserRequest, CreateUserResponse } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { hasReason, invalidFields, OxoError } from '#kit/errors.ts';
import { type Outbox, outboxValues } from '#kit/events/outbox.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import type { UserRow } from '../entities/user-entity.ts';
import { userRegistered } from '../events.ts';
import { findUser } from '../profiles/find-user.ts';
import { displayName, handle } from '../profiles/profile-input.ts';
import type { PublishedProfiles } from '../profiles/published-profiles.ts';
import { userMessage } from '../profiles/user-message.ts';

const input = z.object({ id: id(), handle: handle(), displayName: displayName() });

/** Does nothing when the id or the handle is there already. */
const INSERT = {
  name: 'user-insert',
  text: `with created as (
      insert into users (id, handle, display_name, created_at_ms, version)
      values ($5, $6, $7, $8, nextval('outbox_id_seq'))
      on conflict do nothing returning version),
    event as (
      insert into outbox (id, event_id, subject, payload, headers) select version, $1, $2, $3, $4 from created)
    select version::float8 from created`,
};

export interface CreateUserDependencies {
  db: Queryable;
  outbox: Outbox;
  profiles: PublishedProfiles;
  clock: Clock;
}

export function createUser({ db, outbox, profiles, clock }: CreateUserDependencies) {
  /** The user who is there already: the same one, or the handle is somebody else's. */
  async function findCreated(request: CreateUserRequest): Promise<UserRow> {
    const { row } = await findUser(db, { id: request.id }).catch((error: unknown) => {
      if (!hasReason(error, 'USER_NOT_FOUND')) throw error;
      throw new OxoError('HANDLE_TAKEN', `The handle ${request.handle} belongs to someone.`, {
        fields: [{ field: 'handle', description: 'belongs to someone' }],
      });
    });
    if (row.handle === request.handle) return row;
    throw invalidFields([{ field: 'handle', description: 'is not the handle that the user with this id has' }]);
  }

  return async (request: CreateUserRequest, context: CallContext): Promise<CreateUserResponse> => {
    const { id, handle, displayName } = validate(input, request);
    const row = newUser(id, handle, displayName, clock.nowMs());
    const event = outbox.row(userRegistered, { user: userMessage(row) }, context);
    const write = async () => {
      const values = [...outboxValues(event), id, handle, displayName, row.createdAtMs];
      const [created] = await db.query<{ version: number }>(INSERT, values);
      event.version = created?.version;
      return created === undefined ? findCreated(request) : { ...row, version: created.version };
    };
    return { user: userMessage(await outbox.commit([event], write, profiles.changed)) };
  };
}

function newUser(id: string, handle: string, displayName: string, nowMs: number): UserRow {
  return {
    ...{ id, handle, displayName, createdAtMs: nowMs, version: 0 },
    ...{ bio: '', links: [], location: '', locale: '', followersCount: 0, followingCount: 0 },
  };
}
