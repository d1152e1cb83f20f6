import { type Clock, DAY_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import { newId } from '#kit/ids.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { PulledAuthors } from '../graph/pulled-authors.ts';
import { createEraseFollows, type EraseFollowsDependencies } from './erase-follows.ts';

/** Who holds data of users besides this service, and says when it is erased. */
export const ERASING_SERVICES = ['auth', 'post', 'feed'];
const USERS_AT_ONCE = 20;
/** So long it can be told when somebody's data was erased, and by whom. */
const PROOF_KEPT_MS = 90 * DAY_MS;
/** An erasure that takes longer needs somebody to look after it. */
const OVERDUE_MS = 7 * DAY_MS;

/** Values: the latest time of deletion, users. */
const DUE = {
  name: 'erasure-due',
  text: `select user_id as "userId" from deletions where graph_erased_at_ms is null and deleted_at_ms <= $1
    order by deleted_at_ms limit $2`,
};
/** Values: user, now. */
const FINISH_GRAPH = {
  name: 'erasure-finish-graph',
  text: `with done as (
      update deletions set graph_erased_at_ms = $2 where user_id = $1::uuid and graph_erased_at_ms is null
        and not exists (select from follows where follower_id = $1::uuid)
        and not exists (select from follows where followee_id = $1::uuid)
        and not exists (select from pulled_authors where user_id = $1::uuid)
      returning user_id)
    delete from follower_counts using done where follower_counts.user_id = done.user_id`,
};
/**
 * What is left then is the id and when it was erased, and a hash of the handle, which nobody gets again. Values: now, the latest time of deletion,
 * the services.
 */
const FINISH = {
  name: 'erasure-finish',
  text: `with done as (
      select user_id, handle from deletions d
        where erased_at_ms is null and graph_erased_at_ms is not null and deleted_at_ms <= $2
          and $3::text[] <@ (select array_agg(service) from erasure_confirmations c where c.user_id = d.user_id)
        for update),
      retired as (
        insert into retired_handles (handle_hash, retired_at_ms)
          select sha256(convert_to(handle, 'UTF8')), $1 from done where handle is not null on conflict do nothing)
    update deletions set handle = null, erased_at_ms = $1 from done where deletions.user_id = done.user_id
    returning deletions.user_id as "userId"`,
};
const OVERDUE = {
  name: 'erasure-overdue',
  text: `select user_id as "userId", graph_erased_at_ms is null as "withFollows",
      array(select service from erasure_confirmations c where c.user_id = d.user_id) as confirmed
    from deletions d where erased_at_ms is null and deleted_at_ms <= $1
      and (graph_erased_at_ms is null
        or not $2::text[] <@ array(select service from erasure_confirmations c where c.user_id = d.user_id)) limit 10`,
};
const CLEAN_UP = defineCleanUp({ name: 'deletions-clean-up', table: 'deletions', where: 'erased_at_ms < $1' });

export interface ErasureDependencies extends EraseFollowsDependencies {
  /** How long after a deletion the erasure begins, and how long the handle is kept as it was. */
  eraseAfterMs: number;
  handleKeptMs: number;
  pulledAuthors: Pick<PulledAuthors, 'touched'>;
  clock: Clock;
  logger: Logger;
}

/** What becomes of deleted users afterwards. All that it has to know is in the table, so a kill delays it and no more. */
export interface Erasure {
  /** Erases the follows of those who are due, and keeps no more than a hash of the handles of those of whom nothing is left anywhere. */
  eraseDue(): Promise<void>;
  /** Forgets erasures that are long done, and warns of those that do not come to an end. */
  cleanUp(): Promise<void>;
}

export function createErasure(dependencies: ErasureDependencies): Erasure {
  const { db, eraseAfterMs, handleKeptMs, pulledAuthors, clock, logger } = dependencies;
  const eraseFollows = createEraseFollows(dependencies);

  return {
    async eraseDue() {
      const due = await db.query<{ userId: string }>(DUE, [clock.nowMs() - eraseAfterMs, USERS_AT_ONCE]);
      for (const { userId } of due) {
        await eraseFollows(userId, { requestId: newId(clock.nowMs()) });
        // Without followers nobody is pulled any more.
        pulledAuthors.touched(userId);
        await db.query(FINISH_GRAPH, [userId, clock.nowMs()]);
      }
      const nowMs = clock.nowMs();
      const done = await db.query<{ userId: string }>(FINISH, [nowMs, nowMs - handleKeptMs, ERASING_SERVICES]);
      for (const { userId } of done) logger.info({ userId }, 'nothing is left of a deleted user');
    },
    async cleanUp() {
      const nowMs = clock.nowMs();
      await cleanUp(db, CLEAN_UP, [nowMs - PROOF_KEPT_MS]);
      for (const overdue of await db.query<object>(OVERDUE, [nowMs - OVERDUE_MS, ERASING_SERVICES])) {
        logger.error(overdue, 'an erasure does not come to an end; see the dead letters');
      }
    },
  };
}
