import { type Algorithm, hash, type Options, verify } from '@node-rs/argon2';
import { createLimiter } from '../attempts/limiter.ts';

/**
 * Argon2id, but cheap: memory and passes slow down whoever guesses what a person may have thought of. A secret of 256 random bits cannot be
 * guessed, however fast a guess is tried; and a request waits for this hash whenever its key is in no cache.
 */
const PARAMETERS: Options = {
  algorithm: 2 satisfies Algorithm.Argon2id,
  memoryCost: 1_024,
  timeCost: 1,
  parallelism: 1,
};
/** Half of the thread pool stays free for signatures. */
const CONCURRENCY = 2;
const MAX_WAITING = 256;

/** Hashes the secrets of API keys, a bounded number at once. @throws OxoError UNAVAILABLE when too many wait */
export interface SecretHashes {
  hash(secret: Uint8Array): Promise<string>;
  verify(hash: string, secret: Uint8Array): Promise<boolean>;
}

export function createSecretHashes(): SecretHashes {
  const limit = createLimiter({ concurrency: CONCURRENCY, maxWaiting: MAX_WAITING });
  return {
    hash: (secret) => limit(() => hash(textOf(secret), PARAMETERS)),
    verify: (encoded, secret) => limit(() => verify(encoded, textOf(secret))),
  };
}

/** The library verifies nothing that is no UTF-8. */
function textOf(secret: Uint8Array): string {
  return Buffer.from(secret).toString('base64url');
}
