import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

export const UserEntity = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    /** In lower case, and nobody else's. */
    handle: p.text(),
    displayName: p.text(),
    bio: p.text(),
    links: p.array(),
    location: p.text(),
    locale: p.text(),
    followingCount: p.integer(),
    /** Milliseconds since the epoch. */
    createdAtMs: p.bigint('number'),
    /** Outbox id of the last event about this profile. Follows do not change it. */
    version: p.bigint('number'),
  },
});

/** A row of the table users, with the number of followers, which is kept in parts. */
export interface UserRow extends InferEntity<typeof UserEntity> {
  followersCount: number;
}

/**
 * The follows of users who are gone and whose erasure has not come so far: they stand in the counts, and are counted by nobody. As
 * a rule there are none of these users.
 */
const gone = (them: string, user: string, users: string) => `(select count(*)::integer from deletions d
    where d.graph_erased_at_ms is null and exists (select from follows where ${them} = d.user_id and ${user} = ${users}.id))`;

/** The columns of a UserRow, for statements. Numbers of 64 bits become JavaScript numbers. @param users what the statement calls the table */
export const userColumns = (
  users = 'users',
) => `${users}.id, ${users}.handle, ${users}.display_name as "displayName", ${users}.bio, ${users}.links, ${users}.location, ${users}.locale,
  (select coalesce(sum(c.followers), 0)::integer from follower_counts c where c.user_id = ${users}.id)
    - ${gone('follower_id', 'followee_id', users)} as "followersCount",
  ${users}.following_count - ${gone('followee_id', 'follower_id', users)} as "followingCount",
  ${users}.created_at_ms::float8 as "createdAtMs", ${users}.version::float8`;

/** What is shown of a user beside what they wrote, and the version of the profile that it is taken from. */
export type SummaryRow = Pick<UserRow, 'id' | 'handle' | 'displayName' | 'version'>;

/** The columns of a SummaryRow. @param users what the statement calls the table; a join needs another name than a plain read */
export const summaryColumns = (users = 'users') =>
  `${users}.id, ${users}.handle, ${users}.display_name as "displayName", ${users}.version::float8`;
