import { LRUCache } from 'lru-cache';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { measureCache } from '#kit/observability/cache-metrics.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { ExchangedToken } from '../tokens/token-issuer.ts';

/** Each holds about a kilobyte. */
const MAX_TOKENS = 10_000;
/** Wrong ones make place only for each other, so that a flood of them drives no right one out. */
const MAX_WRONG = 10_000;
const WRONG_FOR_MS = 10 * SECOND_MS;

/** What a credential was exchanged for. */
export interface Exchanged extends ExchangedToken {
  accountId: string;
  sessionId: string;
  /** Until when it is given out again: it must live on a little. */
  reuseUntilMs: number;
  /** Of an API key: its id, and when it was noted that it is used. */
  use: { keyId: string; notedAtMs: number } | undefined;
}

/** Answers of the exchange in memory, by the SHA-256 of the credential: a heap that leaks shows none of them. */
export interface ExchangeCache {
  /** 'wrong' when the credential was worth nothing a moment ago. What was revoked since is not there. */
  get(hash: string): Exchanged | 'wrong' | undefined;
  set(hash: string, exchanged: Exchanged): void;
  setWrong(hash: string): void;
}

/** @param options.denyList is fed by the broadcast of revocations, so that what has ended is gone from here as it is everywhere */
export function createExchangeCache(options: { denyList: DenyList; metrics: Metrics; clock: Clock }): ExchangeCache {
  const { denyList, metrics, clock } = options;
  const recorder = measureCache(metrics, 'exchanged_tokens', () => tokens.size);
  const tokens = new LRUCache<string, Exchanged>({ max: MAX_TOKENS, dispose: recorder.disposed });
  const wrong = new LRUCache<string, number>({ max: MAX_WRONG });

  function isOver({ accountId, sessionId, kid, reuseUntilMs }: Exchanged): boolean {
    return reuseUntilMs <= clock.nowMs() || [accountId, sessionId, kid].some((id) => denyList.isDenied(id));
  }

  return {
    get(hash) {
      const exchanged = tokens.get(hash);
      if (exchanged !== undefined) {
        if (!isOver(exchanged)) {
          recorder.hit();
          return exchanged;
        }
        tokens.delete(hash);
      }
      recorder.miss();
      return (wrong.get(hash) ?? 0) > clock.nowMs() ? 'wrong' : undefined;
    },
    set: (hash, exchanged) => void tokens.set(hash, exchanged),
    setWrong: (hash) => void wrong.set(hash, clock.nowMs() + WRONG_FOR_MS),
  };
}
