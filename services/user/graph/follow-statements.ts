import { isThere } from './gone.ts';

/**
 * A follow and an unfollow are one statement each: edge, counts and event, one round trip and one commit.
 *
 * - Locks: first the follower's row in `users`, then the edge, then one row of `follower_counts`. No statement locks two rows
 *   of `users`, so two people who follow each other at once cannot deadlock. All changes of one edge pass the follower's lock,
 *   and the version is drawn behind it, so it grows across unfollow and follow again.
 * - A popular user's number of followers is kept in 16 parts, by the last digit of the follower's id: those who follow at once
 *   seldom wait for each other's commit. A follower's own part gets both the 1 and the -1, so no part is ever negative.
 * - What a statement reads is as of its start. When a twin came between, the insert meets the edge and does nothing, and the
 *   delete finds nothing; nothing is counted then, because counts and event come from the edge that was really written.
 */
export const PART_OF_FOLLOWER = '(get_byte(uuid_send($1::uuid), 15) & 15)';

/** Both people and what is between them, as of the start of the statement. */
const STATE = `state as (
  select
    exists (select from users where id = $1::uuid) as "followerExists",
    exists (select from users where id = $2::uuid) as "followeeExists",
    exists (select from follows where follower_id = $1::uuid and followee_id = $2::uuid) as following,
    exists (select from follows where follower_id = $2::uuid and followee_id = $1::uuid) as "followedBy")`;

/** Values: follower, followee, the four of the event. Needs `edge (version)`. */
const EVENT = `event as (
  insert into outbox (id, event_id, subject, payload, headers) select version, $3, $4, $5, $6 from edge)`;

/** Edges to people who are deleted and not erased yet; asked only at the limit, since they take no places of it. Values: follower. */
const GONE_FOLLOWEES = `select count(*) from follows gone where gone.follower_id = $1::uuid and not (${isThere('gone.followee_id')})`;

export interface FollowResult {
  followerExists: boolean;
  followeeExists: boolean;
  /** Before this statement. */
  following: boolean;
  followedBy: boolean;
  /** How many the follower followed when the lock was taken; null when there was nothing to do. */
  followingCount: number | null;
  /** Whether this statement wrote the edge. */
  changed: boolean;
  /** Of the edge and of its event; null when nothing changed. */
  version: number | null;
}

/** Values: follower, followee, the four of the event, now in ms, the most that one may follow. */
export const FOLLOW = {
  name: 'follow',
  text: `with ${STATE},
    follower as (
      select u.following_count from users u, state
      where u.id = $1::uuid and state."followeeExists" and not state.following
      for no key update of u),
    edge as (
      insert into follows (follower_id, followee_id, created_at_ms, version)
      select $1::uuid, $2::uuid, $7::bigint, nextval('outbox_id_seq') from follower
      where following_count < $8::integer or following_count - (${GONE_FOLLOWEES}) < $8::integer
      on conflict do nothing returning version),
    ${EVENT},
    following_counted as (
      update users set following_count = users.following_count + 1 from edge where users.id = $1::uuid),
    follower_counted as (
      insert into follower_counts as counts (user_id, slot, followers) select $2::uuid, ${PART_OF_FOLLOWER}, 1 from edge
      on conflict (user_id, slot) do update set followers = counts.followers + 1)
    select state.*, (select following_count from follower) as "followingCount", exists (select from edge) as changed,
      (select version::float8 from edge) as version from state`,
};

export type UnfollowResult = Pick<
  FollowResult,
  'followerExists' | 'followeeExists' | 'following' | 'changed' | 'version'
>;

/** Values: follower, followee, the four of the event. */
export const UNFOLLOW = {
  name: 'unfollow',
  text: `with ${STATE},
    follower as (
      select u.id from users u, state where u.id = $1::uuid and state.following for no key update of u),
    deleted as (
      delete from follows using follower where follower_id = follower.id and followee_id = $2::uuid
      returning follower_id),
    edge as materialized (select nextval('outbox_id_seq') as version from deleted),
    ${EVENT},
    following_counted as (
      update users set following_count = users.following_count - 1 from deleted where users.id = deleted.follower_id),
    follower_counted as (
      update follower_counts set followers = followers - 1 from deleted
      where user_id = $2::uuid and slot = ${PART_OF_FOLLOWER})
    select state."followerExists", state."followeeExists", state.following, exists (select from deleted) as changed,
      (select version::float8 from edge) as version
    from state`,
};
