import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const RANDOM_BYTES = 20;
const TAG_BYTES = 12;
/** base64url of 32 bytes, without padding. */
const TOKEN = /^[\w-]{43}$/;

/**
 * Tags under a key of ours, by which what somebody has made up is told from what we have made, before anything is read. A tag alone opens
 * nothing.
 */
export interface Tags {
  /** @param bytes how long it is, 8 at least */
  of(data: Uint8Array, bytes: number): Buffer;
  isRight(data: Uint8Array, tag: Uint8Array): boolean;
}

/**
 * @param secrets the first makes tags, all verify them: what is tagged under one that is gone counts as made up
 * @param purpose a tag for one purpose is worth nothing for another
 */
export function createTags(secrets: readonly Uint8Array[], purpose: string): Tags {
  const [own] = secrets;
  if (own === undefined) throw new Error('There is no secret for tags.');
  const tagOf = (secret: Uint8Array, data: Uint8Array, bytes: number) =>
    createHmac('sha256', secret).update(purpose).update(data).digest().subarray(0, bytes);
  return {
    of: (data, bytes) => tagOf(own, data, bytes),
    isRight: (data, tag) => secrets.some((secret) => timingSafeEqual(tag, tagOf(secret, data, tag.length))),
  };
}

/** Tokens of 160 random bits and a tag, 43 characters. */
export interface TaggedTokens {
  create(): string;
  /** Whether it is one that we have made. */
  isOurs(text: string): boolean;
}

/** The same parameters as `createTags`. */
export function createTaggedTokens(secrets: readonly Uint8Array[], purpose: string): TaggedTokens {
  const tags = createTags(secrets, purpose);
  return {
    create() {
      const random = randomBytes(RANDOM_BYTES);
      return Buffer.concat([random, tags.of(random, TAG_BYTES)]).toString('base64url');
    },
    isOurs(text) {
      if (!TOKEN.test(text)) return false;
      const bytes = Buffer.from(text, 'base64url');
      return tags.isRight(bytes.subarray(0, RANDOM_BYTES), bytes.subarray(RANDOM_BYTES));
    },
  };
}
