import { z } from 'zod';
import { FeedItem_Reason } from '#gen/oxo/feed/v1/feed.ts';
import type { GetPublicFeedRequest, GetPublicFeedResponse } from '#gen/oxo/feed/v1/feed_service.ts';
import type { Post } from '#gen/oxo/post/v1/post.ts';
import type { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { decodePageToken, encodePageToken, type Position } from '#kit/page-token.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { pageFields, validate } from '#kit/validate.ts';

const input = z.object(pageFields({ default: 20, max: 100 }));
const LIST = 'public-feed';

/** A page whose authors turn out to be gone is filled up from older posts, at most so often; then it stays short. */
const MAX_ROUNDS = 10;

/** Everybody sees the same: who is signed in sees no more. What it costs is an index read of the post service. */
export function getPublicFeed({ posts }: { posts: RpcClient<PostInternalServiceDefinition> }) {
  return async (request: GetPublicFeedRequest, context: CallContext): Promise<GetPublicFeedResponse> => {
    const { pageSize, pageToken } = validate(input, request);
    let next = decodePageToken(LIST, pageToken);
    const found: Post[] = [];
    for (let round = 0; round < MAX_ROUNDS && found.length < pageSize; round += 1) {
      const wanted = pageSize - found.length;
      const before = next && { publishedAtMs: BigInt(next.atMs), id: next.id };
      // One more than wanted tells whether another page follows.
      const { posts: older } = await posts.listPublicPosts({ before, pageSize: wanted + 1 }, asService(context));
      const taken = older.slice(0, wanted);
      found.push(...taken.filter(({ author }) => author !== undefined));
      const last = older.length > wanted ? taken.at(-1) : undefined;
      next = last && positionOf(last);
      if (next === undefined) break;
    }
    const items = found.map((post) => ({ post, reason: FeedItem_Reason.PUBLIC_POST }));
    return { items, nextPageToken: next === undefined ? '' : encodePageToken(LIST, next) };
  };
}

function positionOf({ id, createdAt }: Post): Position {
  return { atMs: createdAt?.getTime() ?? 0, id };
}
