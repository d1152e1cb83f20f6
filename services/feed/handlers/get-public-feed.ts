import { z } from 'zod';
import { type FeedItem, FeedItem_Reason } from '#gen/oxo/feed/v1/feed.ts';
import type { GetPublicFeedRequest, GetPublicFeedResponse } from '#gen/oxo/feed/v1/feed_service.ts';
import type { Post } from '#gen/oxo/post/v1/post.ts';
import type { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { fillPage } from '#kit/fill-page.ts';
import { decodePageToken, encodePageToken, type Position } from '#kit/page-token.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { pageFields, validate } from '#kit/validate.ts';

const input = z.object(pageFields({ default: 20, max: 100 }));
const LIST_NAME = 'public-feed';

/**
 * Everybody sees the same: who is signed in sees no more. What it costs is an index read of the post service.
 * @throws OxoError VALIDATION_FAILED, PAGE_TOKEN_INVALID
 */
export function getPublicFeed({ posts }: { posts: RpcClient<PostInternalServiceDefinition> }) {
  return async (request: GetPublicFeedRequest, context: CallContext): Promise<GetPublicFeedResponse> => {
    const { pageSize, pageToken } = validate(input, request);
    const { items, next } = await fillPage<Post, FeedItem>({
      before: decodePageToken(LIST_NAME, pageToken),
      pageSize,
      async read(from, count) {
        const before = from && { publishedAtMs: BigInt(from.atMs), id: from.id };
        const { posts: entries, next } = await posts.listPublicPosts({ before, pageSize: count }, asService(context));
        return { entries, next: next && { atMs: Number(next.publishedAtMs), id: next.id } };
      },
      show: (found) => found.filter(({ author }) => author !== undefined).map(itemOf),
      positionOf,
      // One call looks at ten thousand entries and more: what it does not find, the next page does.
      maxRounds: 1,
    });
    return { items, nextPageToken: next === undefined ? '' : encodePageToken(LIST_NAME, next) };
  };
}

function itemOf(post: Post): FeedItem {
  return { post, reason: FeedItem_Reason.PUBLIC_POST };
}

function positionOf({ id, createdAt }: Post): Position {
  return { atMs: createdAt?.getTime() ?? 0, id };
}
