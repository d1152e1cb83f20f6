import { randomBytes } from 'node:crypto';
import { idToBytes } from '#kit/ids.ts';
import { createTags } from '../tokens/tags.ts';
import type { RefreshToken } from './refresh-token.ts';

const RANDOM_BYTES = 8;
const TAG_BYTES = 8;

/**
 * The part that all refresh tokens of a session share. Half of it is random, half a tag of session and random part: whoever makes up a token
 * is told by it alone, and a token with a right one was once given to somebody.
 */
export interface TokenFamilies {
  create(sessionId: string): Buffer;
  /** False also for a token of a session from before there were tags, or whose secret is gone: it may be right all the same. */
  isOurs(token: Pick<RefreshToken, 'sessionId' | 'family'>): boolean;
}

/** @param secrets see `createTags` */
export function createTokenFamilies(secrets: readonly Uint8Array[]): TokenFamilies {
  const tags = createTags(secrets, 'refresh-token');
  const tagged = (sessionId: string, random: Uint8Array) => Buffer.concat([idToBytes(sessionId), random]);
  return {
    create(sessionId) {
      const random = randomBytes(RANDOM_BYTES);
      return Buffer.concat([random, tags.of(tagged(sessionId, random), TAG_BYTES)]);
    },
    isOurs: ({ sessionId, family }) =>
      tags.isRight(tagged(sessionId, family.subarray(0, RANDOM_BYTES)), family.subarray(RANDOM_BYTES)),
  };
}
