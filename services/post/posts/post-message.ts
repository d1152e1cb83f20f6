import { Post, type PostRevision } from '#gen/oxo/post/v1/post.ts';
import type { UserSummary } from '#gen/oxo/user/v1/user.ts';
import type { PostRow } from '../entities/post-entity.ts';
import type { Revision } from './revisions.ts';

/** The contract's Post of a row. */
export function postMessage(row: PostRow, author: UserSummary): Post {
  return {
    id: row.id,
    author,
    text: row.text,
    visibility: row.visibility,
    createdAt: new Date(row.publishedAtMs),
    editedAt: row.editedAtMs == null ? undefined : new Date(row.editedAtMs),
    entities: row.entities ?? [],
  };
}

/** The post as events tell it: of its author the id only, because names change. */
export function eventPost(row: PostRow): Post {
  return postMessage(row, { id: row.authorId, handle: '', displayName: '' });
}

/** The post as the read model holds it: without its author, which the reader adds. */
export function encodeForReadModel(row: PostRow): Uint8Array {
  return Post.encode({ ...eventPost(row), author: undefined }).finish();
}

/** The contract's PostRevision. */
export function revisionMessage({ number, text, entities, createdAtMs }: Revision): PostRevision {
  return { number, text, entities: entities ?? [], createdAt: new Date(createdAtMs) };
}
