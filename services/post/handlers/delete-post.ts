import { z } from 'zod';
import type { DeletePostRequest, DeletePostResponse } from '#gen/oxo/post/v1/post_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { readIfMatch } from '#kit/etag.ts';
import { insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import { type PostRow, postColumns } from '../entities/post-entity.ts';
import { postDeleted } from '../events.ts';
import type { DeletedPosts } from '../posts/deleted-posts.ts';
import { eventPost, postEtag } from '../posts/post-message.ts';
import type { PublishedPosts } from '../posts/published-posts.ts';
import { whyNotOwn } from '../posts/refusals.ts';
import type { Visibility } from '../posts/visibility.ts';

const input = z.object({ id: id() });

const DELETE = {
  name: 'post-delete',
  text: `with gone as (delete from posts where id = $1 and author_id = $2 returning *),
      remembered as (insert into deleted_posts (id, author_id, deleted_at_ms) select id, author_id, $3 from gone)
    select ${postColumns('gone')} from gone`,
};

export interface DeletePostDependencies {
  db: Database;
  outbox: Outbox;
  publishedPosts: PublishedPosts;
  deletedPosts: DeletedPosts;
  visibility: Visibility;
  clock: Clock;
}

/**
 * A post that the caller has deleted already is answered like the first time, so that a client may safely repeat a call whose
 * answer was lost. A post that never existed is POST_NOT_FOUND: the ids of one's deleted posts are kept for a day to tell.
 * @throws OxoError VALIDATION_FAILED, what `readIfMatch` and `whyNotOwn` throw
 */
export function deletePost(dependencies: DeletePostDependencies) {
  const { db, outbox, publishedPosts, deletedPosts, visibility, clock } = dependencies;
  return async (request: DeletePostRequest, context: CallContext): Promise<DeletePostResponse> => {
    const { userId } = requireViewer(context);
    const { id } = validate(input, request);
    const requireMatch = readIfMatch(context);

    const deleted = await outbox.commit(
      [],
      (add) =>
        db.transaction(async (tx) => {
          const [row] = await tx.query<PostRow>(DELETE, [id, userId, clock.nowMs()]);
          if (row === undefined) return undefined;
          // What it throws takes the delete back.
          requireMatch(postEtag(row));
          row.version = await insertEvent(tx, add(outbox.row(postDeleted, { post: eventPost(row) }, context)));
          return row;
        }),
      (row) => row && publishedPosts.deleted(row, row.version),
    );
    if (deleted === undefined && !(await deletedPosts.has(id, userId))) {
      throw await whyNotOwn(visibility, id, context);
    }
    return {};
  };
}
