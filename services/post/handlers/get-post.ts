import { z } from 'zod';
import type { GetPostRequest, GetPostResponse } from '#gen/oxo/post/v1/post_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { sendEtag } from '#kit/etag.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import { findPost } from '../posts/find-posts.ts';
import { postMessage } from '../posts/post-message.ts';
import { postNotFound } from '../posts/refusals.ts';
import type { Visibility } from '../posts/visibility.ts';

const input = z.object({ id: id() });

export interface GetPostDependencies {
  db: Queryable;
  visibility: Visibility;
}

export function getPost({ db, visibility }: GetPostDependencies) {
  return async (request: GetPostRequest, context: CallContext): Promise<GetPostResponse> => {
    const { id } = validate(input, request);
    const row = await findPost(db, id);
    if (row === undefined) throw postNotFound();
    const [seen] = await visibility.filter([row], context);
    if (seen === undefined) throw postNotFound();
    const post = postMessage(seen.row, seen.author);
    sendEtag(context, post.etag);
    return { post };
  };
}
