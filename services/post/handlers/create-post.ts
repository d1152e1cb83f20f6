import { z } from 'zod';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { CreatePostRequest, CreatePostResponse } from '#gen/oxo/post/v1/post_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Idempotency } from '#kit/db/idempotency.ts';
import { type Outbox, outboxValues } from '#kit/events/outbox.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import { newId } from '#kit/ids.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import type { PostRow } from '../entities/post-entity.ts';
import { postCreated } from '../events.ts';
import type { Authors } from '../posts/authors.ts';
import { postText, postVisibility } from '../posts/post-input.ts';
import { eventPost, postMessage } from '../posts/post-message.ts';
import type { PublishedPosts } from '../posts/published-posts.ts';

const input = z.object({
  text: postText(),
  visibility: z.preprocess((value) => value || Post_Visibility.PUBLIC, postVisibility()),
});

/** State and event in one statement: one round trip and one commit. */
const INSERT = {
  name: 'post-insert',
  text: `with event as (
      insert into outbox (event_id, subject, payload, headers) values ($1, $2, $3, $4) returning id)
    insert into posts (id, author_id, text, visibility, published_at_ms, version)
      select $5, $6, $7, $8, $9, event.id from event
    returning version::float8`,
};

export interface CreatePostDependencies {
  idempotency: Idempotency;
  outbox: Outbox;
  publishedPosts: PublishedPosts;
  authors: Authors;
  clock: Clock;
}

export function createPost({ idempotency, outbox, publishedPosts, authors, clock }: CreatePostDependencies) {
  return async (request: CreatePostRequest, context: CallContext): Promise<CreatePostResponse> => {
    const { userId } = requireViewer(context);
    const { text, visibility } = validate(input, request);
    const nowMs = clock.nowMs();
    const row: PostRow = {
      id: newId(nowMs),
      authorId: userId,
      text,
      visibility,
      publishedAtMs: nowMs,
      editedAtMs: null,
      version: 0,
    };
    const event = outbox.row(postCreated, { post: eventPost(row) }, context);
    const values = [...outboxValues(event), row.id, userId, text, visibility, nowMs];

    // Before the write: when the author cannot be found out, nothing has changed yet.
    const author = await authors.require(userId, context);
    const write = () =>
      idempotency.run({
        context,
        // What was understood: who spells the default out repeats the same request.
        request: { text, visibility },
        requestType: CreatePostRequest,
        responseType: CreatePostResponse,
        work: async (db) => {
          const [inserted] = await db.query<{ version: number }>(INSERT, values);
          row.version = inserted?.version ?? 0;
          event.version = inserted?.version;
          return { post: postMessage(row, author) };
        },
      });
    const { response } = await outbox.commit([event], write, ({ replayed }) =>
      replayed ? undefined : publishedPosts.created(row),
    );
    return response;
  };
}
