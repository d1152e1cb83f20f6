import { decodeJwt, decodeProtectedHeader } from 'jose';
import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';

/** A token by which a service shows another who it is. */
export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAtMs: number;
}

/** The claim of a service's token that tells by which secret it was got. */
export const SECRET_ID_CLAIM = 'secret_id';

/** Names a secret without telling it: only for what is random. @param hash its SHA-256 */
export function secretIdOf(hash: Buffer): string {
  return hash.subarray(0, 16).toString('base64url');
}

/** Gives the service's own token, fetching a new one when the one at hand is about to expire. */
export type ServiceTokens = () => Promise<string>;

/** A token is replaced this long before it expires, so that it never expires on the way. */
const RENEW_BEFORE_MS = MINUTE_MS;

/**
 * Keeps a service's token fresh: one fetch at a time, however many calls wait for it.
 * @param issue fetches a token; its errors reach the callers that wait, and the next call tries again
 * @param denyList a token whose key or secret stands here is replaced: others refuse it
 */
export function createServiceTokens(
  issue: () => Promise<IssuedToken>,
  clock: Clock,
  denyList: Pick<DenyList, 'isDenied'>,
): ServiceTokens {
  let current: (IssuedToken & { ids: string[] }) | undefined;
  let pending: Promise<IssuedToken> | undefined;

  async function renew(): Promise<IssuedToken> {
    try {
      const issued = await issue();
      const ids = [decodeProtectedHeader(issued.token).kid, decodeJwt(issued.token)[SECRET_ID_CLAIM]];
      current = { ...issued, ids: ids.filter((id) => typeof id === 'string') };
      return issued;
    } finally {
      pending = undefined;
    }
  }

  return async () => {
    const isFresh = current !== undefined && current.expiresAtMs - RENEW_BEFORE_MS > clock.nowMs();
    if (current !== undefined && isFresh && !current.ids.some(denyList.isDenied)) return current.token;
    pending ??= renew();
    return (await pending).token;
  };
}
