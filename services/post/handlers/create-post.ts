import { z } from 'zod';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { CreatePostRequest, CreatePostResponse } from '#gen/oxo/post/v1/post_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Idempotency } from '#kit/db/idempotency.ts';
import { sendEtag } from '#kit/etag.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import { newId } from '#kit/ids.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import type { PostRow } from '../entities/post-entity.ts';
import { postCreated } from '../events.ts';
import type { Authors } from '../posts/authors.ts';
import type { InsertPost } from '../posts/insert-post.ts';
import { postText, postVisibility } from '../posts/post-input.ts';
import { eventPost, postMessage } from '../posts/post-message.ts';
import type { PublishedPosts } from '../posts/published-posts.ts';
import type { EntityFinder } from '../text/entity-finder.ts';

const input = z.object({
  text: postText(),
  visibility: z.preprocess((value) => value || Post_Visibility.PUBLIC, postVisibility()),
});

export interface CreatePostDependencies {
  idempotency: Idempotency;
  insertPost: InsertPost;
  outbox: Outbox;
  publishedPosts: PublishedPosts;
  authors: Authors;
  entityFinder: EntityFinder;
  clock: Clock;
}

/**
 * @throws OxoError VALIDATION_FAILED, USER_NOT_FOUND, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_KEY_IN_USE; UNAVAILABLE
 * when somebody mentioned cannot be looked up
 */
export function createPost(dependencies: CreatePostDependencies) {
  const { idempotency, insertPost, outbox, publishedPosts, authors, entityFinder, clock } = dependencies;
  return async (request: CreatePostRequest, context: CallContext): Promise<CreatePostResponse> => {
    const { userId } = requireViewer(context);
    const { text, visibility } = validate(input, request);
    // Before the write: when the author or somebody mentioned cannot be found out, nothing has changed yet.
    const [{ summary: author, pulled }, entities] = await Promise.all([
      authors.requireWriting(userId, context),
      entityFinder.find(text, context),
    ]);
    const nowMs = clock.nowMs();
    const row: PostRow = {
      id: newId(nowMs),
      authorId: userId,
      text,
      visibility,
      publishedAtMs: nowMs,
      editedAtMs: null,
      entities,
      pulled,
      version: 0,
    };
    const event = outbox.row(postCreated, { post: eventPost(row), pulled }, context);
    const write = () =>
      idempotency.run({
        context,
        // What was understood: who spells the default out repeats the same request.
        request: { text, visibility },
        requestType: CreatePostRequest,
        responseType: CreatePostResponse,
        work: async (db) => {
          await insertPost({ row, event }, db);
          return { post: postMessage(row, author) };
        },
      });
    const { response } = await outbox.commit([event], write, ({ replayed }) =>
      replayed ? undefined : publishedPosts.created(row),
    );
    sendEtag(context, response.post?.etag ?? '');
    return response;
  };
}
