import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import type { UpdatePostRequest, UpdatePostResponse } from '#gen/oxo/post/v1/post_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { etag, readIfMatch, sendEtag } from '#kit/etag.ts';
import { insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import { PostEntity, type PostRow } from '../entities/post-entity.ts';
import { postUpdated } from '../events.ts';
import type { Authors } from '../posts/authors.ts';
import { postText, postVisibility } from '../posts/post-input.ts';
import { eventPost, postEtag, postMessage } from '../posts/post-message.ts';
import type { PublishedPosts } from '../posts/published-posts.ts';
import { whyNotOwn } from '../posts/refusals.ts';
import { keepRevision } from '../posts/revisions.ts';
import type { Visibility } from '../posts/visibility.ts';
import type { EntityFinder } from '../text/entity-finder.ts';

const input = z.object({
  id: id(),
  text: postText().optional(),
  visibility: postVisibility().optional(),
  etag: etag(),
});

export interface UpdatePostDependencies {
  db: Database;
  outbox: Outbox;
  publishedPosts: PublishedPosts;
  visibility: Visibility;
  authors: Authors;
  entityFinder: EntityFinder;
  clock: Clock;
}

interface Outcome {
  row: PostRow;
  changed: boolean;
}

/** @throws OxoError VALIDATION_FAILED, USER_NOT_FOUND, EDIT_LIMIT_REACHED, what `readIfMatch` and `whyNotOwn` throw */
export function updatePost(dependencies: UpdatePostDependencies) {
  const { db, outbox, publishedPosts, visibility, authors, entityFinder, clock } = dependencies;
  return async (request: UpdatePostRequest, context: CallContext): Promise<UpdatePostResponse> => {
    const { userId } = requireViewer(context);
    const { id, etag, ...fields } = validate(input, request);
    const requireMatch = readIfMatch(context, etag);
    const [author, found] = await Promise.all([
      authors.require(userId, context),
      fields.text === undefined ? undefined : entityFinder.find(fields.text, context),
    ]);

    const outcome = await outbox.commit(
      [],
      (add) =>
        db.transaction(async (tx): Promise<Outcome | undefined> => {
          // Only one's own posts are locked: nobody can hold up the edits of others.
          const row = await tx.em.findOne(
            PostEntity,
            { id, authorId: userId },
            { lockMode: LockMode.PESSIMISTIC_WRITE },
          );
          if (row === null) return undefined;
          requireMatch(postEtag(row));
          const { text = row.text, visibility = row.visibility } = fields;
          if (text === row.text && visibility === row.visibility) return { row, changed: false };
          const nowMs = clock.nowMs();
          if (text !== row.text) {
            await keepRevision(tx, row, nowMs);
            Object.assign(row, { text, entities: found });
          }
          Object.assign(row, { visibility, editedAtMs: nowMs });
          row.version = await insertEvent(tx, add(outbox.row(postUpdated, { post: eventPost(row) }, context)));
          return { row, changed: true };
        }),
      (done) => (done?.changed ? publishedPosts.changed(done.row) : undefined),
    );
    if (outcome === undefined) throw await whyNotOwn(visibility, id, context);
    const post = postMessage(outcome.row, author);
    sendEtag(context, post.etag);
    return { post };
  };
}
