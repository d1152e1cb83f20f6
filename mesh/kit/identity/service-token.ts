import { type Clock, MINUTE_MS } from '#kit/clock.ts';

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
 */
export function createServiceTokens(issue: () => Promise<IssuedToken>, clock: Clock): ServiceTokens {
  let current: IssuedToken | undefined;
  let pending: Promise<IssuedToken> | undefined;

  async function renew(): Promise<IssuedToken> {
    try {
      current = await issue();
      return current;
    } finally {
      pending = undefined;
    }
  }

  return async () => {
    if (current !== undefined && current.expiresAtMs - RENEW_BEFORE_MS > clock.nowMs()) return current.token;
    pending ??= renew();
    return (await pending).token;
  };
}
