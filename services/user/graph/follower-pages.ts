import type { Queryable } from '#kit/db/database.ts';
import { isThere } from './gone.ts';

/** Some of the followers of one user. */
export interface FollowerGroup {
  userId: string;
  followerIds: string[];
}

/** Bounds the memory of a call, however many followers there are. */
const PAGE_FOLLOWERS = 10_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Values: users from the one at whom the last page ended, that user, the last follower of the page, rows of a page. */
const NEXT_PAGE = {
  name: 'followers-page',
  text: `select followee_id as "userId", string_agg(follower_id::text, ',' order by follower_id) as "followerIds"
    from (
      select followee_id, follower_id from follows
      where followee_id = any($1::uuid[]) and (followee_id, follower_id) > ($2::uuid, $3::uuid) and ${isThere('follower_id')}
      order by followee_id, follower_id limit $4::integer) page
    group by followee_id order by followee_id`,
};

/**
 * The followers of several users, page by page; users without followers are left out. Small lists of all users come in one
 * page, which is one statement. A user's groups follow one after the other.
 * @param pageFollowers of a page; for tests
 */
export async function* followerPages(
  db: Queryable,
  userIds: readonly string[],
  pageFollowers = PAGE_FOLLOWERS,
): AsyncGenerator<FollowerGroup[]> {
  let left = userIds.toSorted();
  let [lastUser, lastFollower] = [BEFORE_ALL, BEFORE_ALL];
  for (;;) {
    const values = [left, lastUser, lastFollower, pageFollowers];
    const rows = await db.query<{ userId: string; followerIds: string }>(NEXT_PAGE, values);
    const groups = rows.map((row) => ({ ...row, followerIds: row.followerIds.split(',') }));
    yield groups;
    const last = groups.at(-1);
    const found = groups.reduce((sum, { followerIds }) => sum + followerIds.length, 0);
    if (last === undefined || found < pageFollowers) return;
    lastUser = last.userId;
    lastFollower = last.followerIds.at(-1) ?? BEFORE_ALL;
    left = left.filter((id) => id >= lastUser);
  }
}
