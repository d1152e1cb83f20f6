import { z } from 'zod';
import type { CreateUserRequest, CreateUserResponse } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { hasReason, invalidFields, OxoError } from '#kit/errors.ts';
import { type Outbox, outboxValues } from '#kit/events/outbox/outbox.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import type { UserRow } from '../entities/user-entity.ts';
import { userRegistered } from '../events.ts';
import { findUser } from '../profiles/find-user.ts';
import { displayName, handle } from '../profiles/profile-input.ts';
import type { PublishedProfiles } from '../profiles/published-profiles.ts';
import { isReservedHandle } from '../profiles/reserved-handles.ts';
import { eventUser, userMessage } from '../profiles/user-message.ts';

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

/**
 * Asked after the insert, which may have waited for a deletion: then it has found the handle free, and did not see for whom it is kept.
 */
const FIND_DELETION = {
  name: 'user-find-deletion',
  text: `select 1 from deletions where handle = $2 or user_id = $1::uuid
    union all select 1 from retired_handles where handle_hash = sha256(convert_to($2, 'UTF8'))`,
};

export interface CreateUserDependencies {
  db: Database;
  outbox: Outbox;
  profiles: PublishedProfiles;
  clock: Clock;
}

/** Idempotent by the id. @throws OxoError VALIDATION_FAILED, HANDLE_RESERVED, HANDLE_TAKEN */
export function createUser({ db, outbox, profiles, clock }: CreateUserDependencies) {
  /** The user who is there already: the same one, or the handle is somebody else's. */
  async function findCreated(request: CreateUserRequest): Promise<UserRow> {
    const { row } = await findUser(db, { id: request.id }).catch((error: unknown) => {
      if (!hasReason(error, 'USER_NOT_FOUND')) throw error;
      throw handleTaken();
    });
    if (row.handle === request.handle) return row;
    throw invalidFields([{ field: 'handle', description: 'is not the handle that the user with this id has' }]);
  }

  return async (request: CreateUserRequest, context: CallContext): Promise<CreateUserResponse> => {
    const { id, handle, displayName } = validate(input, request);
    if (isReservedHandle(handle)) throw handleReserved();
    const row = newUser(id, handle, displayName, clock.nowMs());
    const event = outbox.row(userRegistered, { user: eventUser(row) }, context);
    const insert = () =>
      db.transaction(async (tx) => {
        const values = [...outboxValues(event), id, handle, displayName, row.createdAtMs];
        const [created] = await tx.query<{ version: number }>(INSERT, values);
        const deletions = created === undefined ? [] : await tx.query(FIND_DELETION, [id, handle]);
        if (deletions.length > 0) throw handleTaken();
        return created?.version;
      });
    const write = async () => {
      event.version = await insert();
      return event.version === undefined ? findCreated(request) : { ...row, version: event.version };
    };
    return { user: userMessage(await outbox.commit([event], write, profiles.changed)) };
  };
}

/** It could be taken for OXO's own. */
function handleReserved(): OxoError {
  return new OxoError('HANDLE_RESERVED', 'Nobody can have this handle.', {
    fields: [{ field: 'handle', description: 'is reserved' }],
  });
}

/** Also the handle that a deleted user had: nobody shall be taken for them. */
function handleTaken(): OxoError {
  return new OxoError('HANDLE_TAKEN', 'This handle belongs to someone.', {
    fields: [{ field: 'handle', description: 'belongs to someone' }],
  });
}

function newUser(id: string, handle: string, displayName: string, nowMs: number): UserRow {
  return {
    ...{ id, handle, displayName, createdAtMs: nowMs, version: 0 },
    ...{ bio: '', links: [], location: '', locale: '', followersCount: 0, followingCount: 0 },
  };
}
