import type { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { unavailable, userNotFound } from '#kit/errors.ts';
import { type Effect, effect } from '#kit/events/outbox/effects.ts';
import { type AddEvent, insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext, RequestContext } from '#kit/rpc/context.ts';
import { userDeleted } from '../events.ts';
import type { PublishedProfiles } from '../profiles/published-profiles.ts';

/**
 * The user leaves the table, so no statement has to look whether a user is gone. The version is drawn behind the lock on the row.
 * Values: user, now in ms.
 */
const DELETE = {
  name: 'user-delete',
  text: `with gone as (delete from users where id = $1::uuid returning id, handle, locale)
    insert into deletions (user_id, handle, deleted_at_ms, version)
      select id, handle, $2::bigint, nextval('outbox_id_seq') from gone
    returning version::float8, (select locale from gone) as locale`,
};
const FIND = { name: 'deletion-find', text: 'select version::float8 from deletions where user_id = $1::uuid' };

interface Deleted {
  version: number;
  /** Of the profile; empty when it is not known any more. */
  locale: string;
}

/** Auth itself waits at most 1.5 s. The relay must not wait longer for an auth that hangs: other events wait behind it. */
const DISABLE_TIMEOUT_MS = 2_000;

export interface DeletionDependencies {
  db: Database;
  outbox: Outbox;
  profiles: Pick<PublishedProfiles, 'deleted'>;
  auth: RpcClient<AuthInternalServiceDefinition>;
  /** How long after a deletion the erasure begins. */
  eraseAfterMs: number;
  clock: Clock;
}

export interface Deletion {
  /**
   * Deletes the user. When it is done, the user is gone from every answer, and every token is refused.
   * @throws OxoError USER_NOT_FOUND; UNAVAILABLE when it is not known yet that all services have heard of it: the user is deleted
   *   all the same, and whoever asks again is told when they have
   */
  deleteUser(userId: string, context: CallContext): Promise<void>;
  /** What the relay does when the request could not. */
  effects: readonly Effect[];
}

export function createDeletion({ db, outbox, profiles, auth, eraseAfterMs, clock }: DeletionDependencies): Deletion {
  async function tellEverybody(userId: string, { version, locale }: Deleted, context: RequestContext): Promise<void> {
    const options = asService(context, DISABLE_TIMEOUT_MS);
    await Promise.all([profiles.deleted(userId, version), auth.disableAccount({ userId, locale }, options)]);
  }

  /** @returns undefined when there is no such user, or no more */
  function write(userId: string, context: CallContext, add: AddEvent) {
    return db.transaction(async (tx) => {
      const nowMs = clock.nowMs();
      const [deleted] = await tx.query<Deleted>(DELETE, [userId, nowMs]);
      if (deleted === undefined) return undefined;
      const times = { deletedAt: new Date(nowMs), eraseFrom: new Date(nowMs + eraseAfterMs) };
      const event = add(outbox.row(userDeleted, { userId, ...times }, context));
      await insertEvent(tx, event, deleted.version);
      return deleted;
    });
  }

  async function findDeletion(userId: string): Promise<Deleted> {
    const [found] = await db.query<{ version: number }>(FIND, [userId]);
    if (found === undefined) throw userNotFound();
    return { ...found, locale: '' };
  }

  return {
    async deleteUser(userId, context) {
      // An effect that fails is left to the relay, but a deletion that others do not know of must not be called done.
      let failure: unknown;
      await outbox.commit(
        [],
        async (add) => (await write(userId, context, add)) ?? (await findDeletion(userId)),
        (deleted) =>
          tellEverybody(userId, deleted, context).catch((error: unknown) => {
            failure = error;
            throw error;
          }),
      );
      if (failure !== undefined)
        throw unavailable('The account is deleted, but not every service has heard of it yet. Try again.', failure);
    },
    effects: [
      effect(userDeleted, ({ userId }, { version, headers, eventId }) =>
        tellEverybody(userId, { version, locale: '' }, { requestId: headers['x-request-id'] ?? eventId }),
      ),
    ],
  };
}
