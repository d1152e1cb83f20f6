import { Post, type PostRevision } from '#gen/oxo/post/v1/post.ts';
import type { UserSummary } from '#gen/oxo/user/v1/user.ts';
import { etagOf } from '#kit/etag.ts';
import type { PostRow } from '../entities/post-entity.ts';
import type { Revision } from './revisions.ts';

/** Names the state of a post that is written: a row whose version is known. */
export function postEtag({ id, version }: Pick<PostRow, 'id' | 'version'>): string {
  return etagOf(id, version);
}

/**
 * The contract's Post of a row.
 * @param author undefined when the message goes without: there is none any more, or the reader adds it
 * @param etag where it is not the one of the row's version
 */
export function postMessage(row: PostRow, author: UserSummary | undefined, etag = postEtag(row)): Post {
  return {
    id: row.id,
    author,
    text: row.text,
    visibility: row.visibility,
    createdAt: new Date(row.publishedAtMs),
    editedAt: row.editedAtMs == null ? undefined : new Date(row.editedAtMs),
    entities: row.entities ?? [],
    etag,
  };
}

/** The post as events tell it: of its author the id only, because names change; without the version that it gets by being written. */
export function eventPost(row: PostRow): Post {
  return postMessage(row, { id: row.authorId, handle: '', displayName: '' }, '');
}

/** The same of a post that is erased: what it was in, and nothing of what it said. */
export function erasedEventPost(row: PostRow): Post {
  return eventPost({ ...row, text: '', entities: null });
}

/** The post as the read model holds it: without its author, which the reader adds. */
export function encodeForReadModel(row: PostRow): Uint8Array {
  return Post.encode(postMessage(row, undefined)).finish();
}

/** The contract's PostRevision. */
export function revisionMessage({ number, text, entities, createdAtMs }: Revision): PostRevision {
  return { number, text, entities: entities ?? [], createdAt: new Date(createdAtMs) };
}
