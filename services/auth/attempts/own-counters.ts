import { LRUCache } from 'lru-cache';
import type { Clock } from '#kit/clock.ts';
import type { Allowance } from './allowances.ts';
import type { Taken } from './counters.ts';

/** Of so many attempts are counted, each some hundred bytes; what is forgotten begins anew. */
const MAX_COUNTED = 50_000;

interface Window {
  used: number;
  endsAtMs: number;
}

/** Attempts as this process alone sees them: what is left while Redis is away. */
export interface OwnCounters {
  take(id: string, allowance: Allowance): Taken;
  /** Undoes a take, if there was one. */
  giveBack(id: string): void;
}

export function createOwnCounters(clock: Clock): OwnCounters {
  const windows = new LRUCache<string, Window>({ max: MAX_COUNTED });
  return {
    take(id, { attempts, windowMs }) {
      const nowMs = clock.nowMs();
      const open = windows.get(id);
      const window = open === undefined || open.endsAtMs <= nowMs ? { used: 0, endsAtMs: nowMs + windowMs } : open;
      if (window.used >= attempts) return { allowed: false, retryAfterMs: window.endsAtMs - nowMs };
      windows.set(id, { ...window, used: window.used + 1 });
      return { allowed: true };
    },
    giveBack(id) {
      const window = windows.get(id);
      if (window !== undefined && window.used > 0) windows.set(id, { ...window, used: window.used - 1 });
    },
  };
}
