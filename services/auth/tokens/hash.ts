import { createHash } from 'node:crypto';

/**
 * SHA-256, by which a secret of ours is stored and looked up: whoever reads the hash cannot use it. Only for what is random, so that a
 * fast hash is as good as a slow one.
 */
export function hashOf(secret: string | Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest();
}
