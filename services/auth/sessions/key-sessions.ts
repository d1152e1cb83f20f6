/** Secrets of a key that have ended; those of the whole key when it was revoked. */
export interface EndedKey {
  id: string;
  accountId: string;
  generations: readonly number[];
}

/** The session id of the tokens that a secret of a key is exchanged for: with the secret they end. */
export function sessionIdOf(keyId: string, generation: number): string {
  return `key:${keyId}:${generation}`;
}
