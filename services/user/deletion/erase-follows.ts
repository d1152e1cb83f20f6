import type { Database, Statement, Transaction } from '#kit/db/database.ts';
import { insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { userFollowsErased } from '../events.ts';
import { PART_OF_FOLLOWER } from '../graph/follow-statements.ts';
import type { FollowVersions } from '../graph/follow-versions.ts';

/** Edges of one transaction: few enough that whoever waits for one of its locks does not notice. */
const BATCH_EDGES = 500;
/** Of one user in one go; what is left waits for the next. */
const MAX_BATCHES = 10_000;

/** One batch at a time over all replicas, so that two of them cannot wait for each other. */
const LOCK = { name: 'erasure-lock', text: 'lock table erasure_lock in exclusive mode' };

/** Whom the user followed. Values: user, rows. */
const ERASE_FOLLOWING = {
  name: 'erase-following',
  text: `with edges as (select followee_id from follows where follower_id = $1::uuid limit $2::integer),
    gone as (
      delete from follows using edges where follower_id = $1::uuid and follows.followee_id = edges.followee_id
      returning follows.followee_id as id),
    counted as (
      update follower_counts set followers = followers - 1 from gone where user_id = gone.id and slot = ${PART_OF_FOLLOWER})
    select id from gone`,
};
/**
 * Who followed the user. As in an unfollow, the follower's row is locked first, then the edge. Followers who are deleted themselves
 * have no row: their own erasure takes their edges.
 */
const ERASE_FOLLOWERS = {
  name: 'erase-followers',
  text: `with people as materialized (
      select u.id from follows f join users u on u.id = f.follower_id where f.followee_id = $1::uuid
      order by u.id limit $2::integer for no key update of u),
    gone as (
      delete from follows using people where followee_id = $1::uuid and follower_id = people.id returning people.id),
    counted as (
      update users set following_count = users.following_count - 1 from gone where users.id = gone.id)
    select id from gone`,
};

export interface EraseFollowsDependencies {
  db: Database;
  outbox: Outbox;
  followVersions: Pick<FollowVersions, 'erased'>;
}

/**
 * Erases the follows of a deleted user, and of those who followed, with their counts. A kill leaves whole batches done, and the
 * versions of their people to the relay.
 */
export type EraseFollows = (userId: string, context: { requestId: string }) => Promise<void>;

export function createEraseFollows({ db, outbox, followVersions }: EraseFollowsDependencies): EraseFollows {
  async function eraseSome(tx: Transaction, statement: Statement, userId: string): Promise<string[]> {
    await tx.query(LOCK);
    return (await tx.query<{ id: string }>(statement, [userId, BATCH_EDGES])).map(({ id }) => id);
  }

  /** @returns how many edges it erased */
  async function eraseBatch(
    statement: Statement,
    userId: string,
    edgesOf: (ids: string[]) => { followerIds: string[]; followeeIds: string[] },
    context: { requestId: string },
  ): Promise<number> {
    const ids = await outbox.commit(
      [],
      (add) =>
        db.transaction(async (tx) => {
          const erased = await eraseSome(tx, statement, userId);
          if (erased.length === 0) return erased;
          await insertEvent(tx, add(outbox.row(userFollowsErased, { userId, ...edgesOf(erased) }, context)));
          return erased;
        }),
      (erased) => {
        const { followerIds, followeeIds } = edgesOf(erased);
        return followVersions.erased(userId, followerIds, followeeIds);
      },
    );
    return ids.length;
  }

  return async (userId, context) => {
    const following = (ids: string[]) => ({ followerIds: [], followeeIds: ids });
    const followers = (ids: string[]) => ({ followerIds: ids, followeeIds: [] });
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const erased =
        (await eraseBatch(ERASE_FOLLOWING, userId, following, context)) +
        (await eraseBatch(ERASE_FOLLOWERS, userId, followers, context));
      if (erased === 0) return;
    }
  };
}
