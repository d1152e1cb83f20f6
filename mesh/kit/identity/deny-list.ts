import { type Clock, MINUTE_MS } from '#kit/clock.ts';

/** Longer than an access token lives, so that a revoked token has expired before its entry is forgotten. */
const KEEP_MS = 20 * MINUTE_MS;

/** Sessions and users whose tokens are refused although they have not expired. */
export interface DenyList {
  /** Refuses the tokens with this session id or user id from now on. */
  deny(id: string): void;
  isDenied(id: string): boolean;
  /** Resolves to true once the id is denied, to false when that has not happened within `timeoutMs`. */
  whenDenied(id: string, timeoutMs: number): Promise<boolean>;
  readonly size: number;
}

/**
 * A deny-list in memory, fed by the revocations that every process hears.
 * @param maxEntries when it is full the oldest entry makes place: it is the next to expire anyway
 */
export function createDenyList(clock: Clock, maxEntries = 1_000_000): DenyList {
  // A Map keeps insertion order, and every entry lives equally long: the first is always the next to expire.
  const expiries = new Map<string, number>();
  const waiting = new Set<{ id: string; resolve: (denied: boolean) => void }>();

  function dropExpired(): void {
    for (const [id, expiresAtMs] of expiries) {
      if (expiresAtMs > clock.nowMs() && expiries.size <= maxEntries) return;
      expiries.delete(id);
    }
  }

  const isDenied = (id: string) => (expiries.get(id) ?? 0) > clock.nowMs();

  return {
    deny(id) {
      expiries.delete(id);
      expiries.set(id, clock.nowMs() + KEEP_MS);
      dropExpired();
      for (const waiter of waiting) if (waiter.id === id) waiter.resolve(true);
    },
    isDenied,
    async whenDenied(id, timeoutMs) {
      if (isDenied(id)) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const waiter = { id, resolve };
      waiting.add(waiter);
      const timer = setTimeout(() => resolve(false), timeoutMs);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(waiter);
      }
    },
    get size() {
      return expiries.size;
    },
  };
}
