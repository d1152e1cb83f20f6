import type { ApiKey } from '#gen/oxo/auth/v1/api_key.ts';
import type { ListedKey } from './statements.ts';

/** The contract's ApiKey of a row. */
export function keyMessage({ lastUsedAtMs, rotatedAtMs, createdAtMs, expiresAtMs, ...same }: ListedKey): ApiKey {
  return {
    ...same,
    createdAt: new Date(createdAtMs),
    expiresAt: new Date(expiresAtMs),
    lastUsedAt: lastUsedAtMs == null ? undefined : new Date(lastUsedAtMs),
    rotatedAt: rotatedAtMs == null ? undefined : new Date(rotatedAtMs),
  };
}
