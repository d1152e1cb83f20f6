import { decodeProtectedHeader } from 'jose';
import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';

/** A token by which a service shows another who it is. */
export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAtMs: number;
}

/** Gives the service's own token, fetching a new one when the one at hand is about to expire. */
export type ServiceTokens = () => Promise<string>;

/** A token is replaced this long before it expires, so that it never expires on the way. */
const RENEW_BEFORE_MS = MINUTE_MS;

/**
 * Keeps a service's token fresh: one fetch at a time, however many calls wait for it.
 * @param issue fetches a token; its errors reach the callers that wait, and the next call tries again
 * @param denyList a token whose key stands here is replaced: others refuse it
 */
export function createServiceTokens(
  issue: () => Promise<IssuedToken>,
  clock: Clock,
  denyList: Pick<DenyList, 'isDenied'>,
): ServiceTokens {
  let current: (IssuedToken & { kid: string }) | undefined;
  let pending: Promise<IssuedToken> | undefined;

  async function renew(): Promise<IssuedToken> {
    try {
      const issued = await issue();
      current = { ...issued, kid: decodeProtectedHeader(issued.token).kid ?? '' };
      return issued;
    } finally {
      pending = undefined;
    }
  }

  return async () => {
    const isFresh = current !== undefined && current.expiresAtMs - RENEW_BEFORE_MS > clock.nowMs();
    if (current !== undefined && isFresh && !denyList.isDenied(current.kid)) return current.token;
    pending ??= renew();
    return (await pending).token;
  };
}
