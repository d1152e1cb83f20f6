import { DAY_MS } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { type Effect, effect } from '#kit/events/outbox/effects.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { type SummaryRow, summaryColumns } from '../entities/user-entity.ts';
import { userRegistered, userUpdated } from '../events.ts';
import { encodeForReadModel } from './user-message.ts';

const PROFILE_TTL_MS = 7 * DAY_MS;

const FIND_SUMMARIES = {
  name: 'user-find-summaries',
  text: `select ${summaryColumns()} from users where id = any($1::uuid[])`,
};

/** What Redis tells other services of people: `profile:{id}`, a UserSummary. Only this service writes it. */
export interface PublishedProfiles {
  /** Reads summaries from the table; ids without a user are left out. */
  read(ids: readonly string[]): Promise<SummaryRow[]>;
  /** After a change. */
  changed(row: SummaryRow): Promise<void>;
  /** After the user is gone. @param version of the event that tells it */
  deleted(id: string, version: number): Promise<void>;
  /** Puts back what a reader missed. The reader does not wait for it, and it may fail: the next reader asks again. */
  refill(rows: readonly SummaryRow[]): void;
  /** What the relay does when the request could not: the same, by what the table says now. */
  effects: readonly Effect[];
}

export function createPublishedProfiles(redis: Redis, db: Queryable, logger: Logger): PublishedProfiles {
  const profiles = createReadModel(redis, { prefix: 'profile', ttlMs: PROFILE_TTL_MS });

  const warn = warnSeldom(logger);

  const read = (ids: readonly string[]) => db.query<SummaryRow>(FIND_SUMMARIES, [ids]);

  const changed = (row: SummaryRow) => profiles.put(row.id, row.version, encodeForReadModel(row));

  async function repeat(id: string | undefined): Promise<void> {
    if (id === undefined) return;
    await Promise.all((await read([id])).map(changed));
  }

  return {
    read,
    changed,
    deleted: (id, version) => profiles.bury(id, version),
    refill(rows) {
      Promise.all(rows.map(changed)).catch((error: unknown) => {
        warn({ err: error }, 'profiles were not put back');
      });
    },
    effects: [
      effect(userRegistered, ({ user }) => repeat(user?.id)),
      effect(userUpdated, ({ user }) => repeat(user?.id)),
    ],
  };
}
