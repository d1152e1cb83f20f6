import { FeedItem_Reason } from '#gen/oxo/feed/v1/feed.ts';
import { GetFeedResponse } from '#gen/oxo/feed/v1/feed_service.ts';
import type { MessageType } from '#kit/rpc/message.ts';
import type { Hydrated } from './hydration.ts';

/**
 * A GetFeedResponse that is put together from messages that are encoded already: a page of 20 posts is copied instead of being
 * decoded and encoded again. The field numbers are those of feed.proto, feed_service.proto and post.proto; a test compares the
 * result with what the generated code makes.
 */
const ITEMS_TAG = 0x0a;
const ITEM_POST_TAG = 0x0a;
const ITEM_REASON_TAG = 0x10;
const POST_AUTHOR_TAG = 0x12;
const REASON_BYTES = 2;

/** Encodes a page. @param viewerId whose feed it is: own posts have another reason */
export function encodeFeedPage(
  items: readonly Hydrated[],
  rest: Partial<Omit<GetFeedResponse, 'items'>>,
  viewerId: string,
): Buffer {
  const sizes = items.map(itemSizes);
  // Encoded fields of a message may stand one after the other.
  const tail = GetFeedResponse.encode(GetFeedResponse.fromPartial(rest)).finish();
  const page = Buffer.allocUnsafe(sizes.reduce((total, size) => total + fieldSize(size.item), tail.length));
  let at = 0;

  function header(tag: number, length: number): void {
    page[at++] = tag;
    let rest = length;
    for (; rest > 0x7f; rest >>>= 7) page[at++] = (rest & 0x7f) | 0x80;
    page[at++] = rest;
  }

  function bytes(content: Uint8Array): void {
    page.set(content, at);
    at += content.length;
  }

  for (const [index, { entry, post, author }] of items.entries()) {
    const size = sizes[index] as ItemSizes;
    header(ITEMS_TAG, size.item);
    header(ITEM_POST_TAG, size.post);
    bytes(post);
    header(POST_AUTHOR_TAG, author.length);
    bytes(author);
    header(ITEM_REASON_TAG, entry.ownerId === viewerId ? FeedItem_Reason.OWN_POST : FeedItem_Reason.FOLLOWED_AUTHOR);
  }
  bytes(tail);
  return page;
}

interface ItemSizes {
  item: number;
  post: number;
}

function itemSizes({ post, author }: Hydrated): ItemSizes {
  const postSize = post.length + fieldSize(author.length);
  return { post: postSize, item: fieldSize(postSize) + REASON_BYTES };
}

/** Bytes of a length-delimited field with a one-byte tag. */
function fieldSize(length: number): number {
  let size = 2 + length;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) size += 1;
  return size;
}

/** A response that is encoded already, under the type that the contract gives it. */
export function asResponse(page: Buffer): GetFeedResponse {
  return page as unknown as GetFeedResponse;
}

/** GetFeedResponse whose encoding is passed on as it is. */
export const EncodedFeedResponse: MessageType<GetFeedResponse> = {
  encode: (message) => (message instanceof Uint8Array ? { finish: () => message } : GetFeedResponse.encode(message)),
  decode: (bytes) => GetFeedResponse.decode(bytes),
};
