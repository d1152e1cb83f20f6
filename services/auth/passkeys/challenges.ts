import { randomBytes } from 'node:crypto';
import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { SingleUse } from '../tokens/single-use.ts';
import { createTags } from '../tokens/tags.ts';
import { passkeyInvalid } from './refusals.ts';

/** So long a person may take to choose a passkey and unlock it. */
export const CHALLENGE_MS = 5 * MINUTE_MS;

/** Of a uuid. */
const RANDOM_BYTES = 16;
const TIME_BYTES = 6;
const TAG_BYTES = 16;
const CHALLENGE_BYTES = RANDOM_BYTES + TIME_BYTES + TAG_BYTES;

/**
 * What passkeys sign, so that a signature is of now and of us. Nothing is kept of one that was given out: it says itself until when it is good, under a tag of
 * ours. So strangers can't fill a table; a row is only written of one that a passkey has signed, which is then used up.
 */
export interface Challenges {
  /** @param purpose what it is for, and whom: for another it is worth nothing */
  create(purpose: string): string;
  /** Whether we have made it for this, within the last five minutes. Whether it was used is only seen when it is spent. */
  isGood(challenge: string, purpose: string): boolean;
  /** Uses up a good one. @param on the transaction of what it opens @throws OxoError PASSKEY_INVALID when it was used */
  spend(on: Queryable, challenge: string): Promise<void>;
}

/** @param options.tagSecrets see `createTags` */
export function createChallenges(options: {
  tagSecrets: readonly Uint8Array[];
  singleUse: Pick<SingleUse, 'spend'>;
  clock: Clock;
}): Challenges {
  const { singleUse, clock } = options;
  const tags = createTags(options.tagSecrets, 'passkey-challenge');
  const tagged = (head: Uint8Array, purpose: string) => Buffer.concat([head, Buffer.from(purpose)]);

  return {
    create(purpose) {
      const head = Buffer.concat([randomBytes(RANDOM_BYTES), Buffer.alloc(TIME_BYTES)]);
      head.writeUIntBE(clock.nowMs() + CHALLENGE_MS, RANDOM_BYTES, TIME_BYTES);
      return Buffer.concat([head, tags.of(tagged(head, purpose), TAG_BYTES)]).toString('base64url');
    },
    isGood(challenge, purpose) {
      const bytes = Buffer.from(challenge, 'base64url');
      if (bytes.length !== CHALLENGE_BYTES || expiryOf(bytes) <= clock.nowMs()) return false;
      const head = bytes.subarray(0, RANDOM_BYTES + TIME_BYTES);
      return tags.isRight(tagged(head, purpose), bytes.subarray(head.length));
    },
    async spend(on, challenge) {
      const bytes = Buffer.from(challenge, 'base64url');
      // Postgres takes a uuid without hyphens.
      const id = bytes.toString('hex', 0, RANDOM_BYTES);
      if (!(await singleUse.spend(on, { id, expiresAtMs: expiryOf(bytes) }))) throw passkeyInvalid();
    },
  };
}

function expiryOf(bytes: Buffer): number {
  return bytes.readUIntBE(RANDOM_BYTES, TIME_BYTES);
}
