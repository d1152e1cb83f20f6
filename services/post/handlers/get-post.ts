import { z } from 'zod';
import type { GetPostRequest, GetPostResponse } from '#gen/oxo/post/v1/post_service.ts';
import { sendEtag } from '#kit/etag.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import { postMessage } from '../posts/post-message.ts';
import type { Visibility } from '../posts/visibility.ts';

const input = z.object({ id: id() });

/** @throws OxoError VALIDATION_FAILED, POST_NOT_FOUND */
export function getPost({ visibility }: { visibility: Visibility }) {
  return async (request: GetPostRequest, context: CallContext): Promise<GetPostResponse> => {
    const { id } = validate(input, request);
    const { row, author } = await visibility.requireVisible(id, context);
    const post = postMessage(row, author);
    sendEtag(context, post.etag);
    return { post };
  };
}
