import type { UserSummary } from '#gen/oxo/user/v1/user.ts';
import type { Queryable, Statement } from '#kit/db/database.ts';
import { userNotFound } from '#kit/errors.ts';
import { openPage } from '#kit/page-token.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { resolveMe } from '#kit/validate.ts';
import { type SummaryRow, summaryColumns } from '../entities/user-entity.ts';
import { summaryMessage } from '../profiles/user-message.ts';

/**
 * One page of the people around a user and what is shown of them, in one statement: no row when there is no such user, one
 * without a person when the page is empty. It walks the index from the place before, so a page costs the same wherever it lies.
 * A follow keeps its place as long as it lasts; one that ended and began again is a new one.
 * Values: the user, the place before (ms, id), rows of the page.
 */
function listStatement(name: string, ofUser: string, person: string): Statement {
  return {
    name,
    text: `select listed.* from users of_user left join lateral (
        select f.created_at_ms::float8 as "followedAtMs", ${summaryColumns('u')}
        from follows f join users u on u.id = f.${person}
        where f.${ofUser} = of_user.id and (f.created_at_ms, f.${person}) < ($2::bigint, $3::uuid)
        order by f.created_at_ms desc, f.${person} desc limit $4::integer) listed on true
      where of_user.id = $1::uuid
      order by "followedAtMs" desc, listed.id desc`,
  };
}

/** Those who follow the user, and those whom the user follows. */
export const FOLLOWERS = listStatement('followers-list', 'followee_id', 'follower_id');
export const FOLLOWING = listStatement('following-list', 'follower_id', 'followee_id');

interface ListedRow extends SummaryRow {
  followedAtMs: number;
}

/** What both lists are asked, and what they answer. */
interface ListRequest {
  /** A user id, or "me". */
  id: string;
  pageSize: number;
  pageToken: string;
}
interface ListResponse {
  users: UserSummary[];
  nextPageToken: string;
}

/** A page of one of the lists. @throws OxoError USER_NOT_FOUND, PAGE_TOKEN_INVALID */
export async function readFollowList(
  db: Queryable,
  list: Statement,
  asked: ListRequest,
  context: CallContext,
): Promise<ListResponse> {
  const userId = resolveMe(context, 'id', asked.id);
  const page = openPage(`${list.name}:${userId}`, asked);
  const { before, limit } = page;
  const found = await db.query<ListedRow | { id: null }>(list, [userId, before.atMs, before.id, limit]);
  if (found.length === 0) throw userNotFound();
  const people = found.filter((row): row is ListedRow => row.id !== null);
  const { rows, nextPageToken } = page.close(people, (row) => ({ atMs: row.followedAtMs, id: row.id }));
  return { users: rows.map(summaryMessage), nextPageToken };
}
