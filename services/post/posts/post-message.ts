import { Post, type Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import type { UserSummary } from '#gen/oxo/user/v1/user.ts';

/** A row of the table posts, as the statements of this service give it. */
export interface PostRow {
  id: string;
  author_id: string;
  text: string;
  visibility: Post_Visibility;
  published_at_ms: number;
  edited_at_ms: number | null;
  version: number;
}

/** The columns of PostRow, for statements. Numbers of 64 bits become JavaScript numbers. */
export const POST_COLUMNS =
  'id, author_id, text, visibility, published_at_ms::float8, edited_at_ms::float8, version::float8';

/** The contract's Post of a row. */
export function postMessage(row: PostRow, author: UserSummary | undefined): Post {
  return {
    id: row.id,
    author,
    text: row.text,
    visibility: row.visibility,
    createdAt: new Date(row.published_at_ms),
    editedAt: row.edited_at_ms === null ? undefined : new Date(row.edited_at_ms),
  };
}

/** The post as events tell it: of its author the id only, because names change. */
export function eventPost(row: PostRow): Post {
  return postMessage(row, { id: row.author_id, handle: '', displayName: '' });
}

/** The post as the read model holds it: without its author, which the reader adds. */
export function encodeForReadModel(row: PostRow): Uint8Array {
  return Post.encode(postMessage(row, undefined)).finish();
}
