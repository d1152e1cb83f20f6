import { type Clock, MINUTE_MS } from '#kit/clock.ts';

/** Longer than an access token lives, so that a revoked token has expired before its entry is forgotten. */
const KEEP_MS = 20 * MINUTE_MS;

/** Sessions and users whose tokens are refused although they have not expired. */
export interface DenyList {
  /** Refuses the tokens with this session id or user id from now on. */
  deny(id: string): void;
  isDenied(id: string): boolean;
  readonly size: number;
}

/**
 * A deny-list in memory, fed by the revocations that every process hears.
 * @param maxEntries when it is full the oldest entry makes place: it is the next to expire anyway
 */
export function createDenyList(clock: Clock, maxEntries = 1_000_000): DenyList {
  // A Map keeps insertion order, and every entry lives equally long: the first is always the next to expire.
  const expiries = new Map<string, number>();

  function dropExpired(): void {
    for (const [id, expiresAtMs] of expiries) {
      if (expiresAtMs > clock.nowMs() && expiries.size <= maxEntries) return;
      expiries.delete(id);
    }
  }

  return {
    deny(id) {
      expiries.delete(id);
      expiries.set(id, clock.nowMs() + KEEP_MS);
      dropExpired();
    },
    isDenied: (id) => (expiries.get(id) ?? 0) > clock.nowMs(),
    get size() {
      return expiries.size;
    },
  };
}
