import { z } from 'zod';
import type { ListUserPostsRequest, ListUserPostsResponse } from '#gen/oxo/post/v1/post_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { openPage } from '#kit/page-token.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { idOrMe, pageFields, resolveMe, validate } from '#kit/validate.ts';
import { type PostRow, postColumns } from '../entities/post-entity.ts';
import type { Authors } from '../posts/authors.ts';
import { postMessage } from '../posts/post-message.ts';
import { FOR_ALL, FOR_FOLLOWERS, type Visibility } from '../posts/visibility.ts';

const input = z.object({ userId: idOrMe(), ...pageFields({ default: 20, max: 100 }) });

/** Values: the author, what may be seen, the place before (ms, id), rows. */
export const USER_POSTS = {
  name: 'user-posts-list',
  text: `select ${postColumns()} from posts
    where author_id = $1 and visibility = any($2::smallint[]) and (published_at_ms, id) < ($3, $4)
    order by published_at_ms desc, id desc limit $5`,
};

export interface ListUserPostsDependencies {
  db: Queryable;
  visibility: Visibility;
  authors: Authors;
}

/** @throws OxoError VALIDATION_FAILED, PAGE_TOKEN_INVALID, USER_NOT_FOUND */
export function listUserPosts({ db, visibility, authors }: ListUserPostsDependencies) {
  return async (request: ListUserPostsRequest, context: CallContext): Promise<ListUserPostsResponse> => {
    const asked = validate(input, request);
    const userId = resolveMe(context, 'userId', asked.userId);
    const page = openPage(`user-posts:${userId}`, asked);

    const [author, amongFollowers] = await Promise.all([
      authors.require(userId, context),
      visibility.isAmongFollowers(userId, context),
    ]);

    const visible = amongFollowers ? FOR_FOLLOWERS : FOR_ALL;
    const { before, limit } = page;
    const found = await db.query<PostRow>(USER_POSTS, [userId, visible, before.atMs, before.id, limit]);
    const { rows, nextPageToken } = page.close(found, (row) => ({ atMs: row.publishedAtMs, id: row.id }));
    return { posts: rows.map((row) => postMessage(row, author)), nextPageToken };
  };
}
