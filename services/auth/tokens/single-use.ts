import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Queryable } from '#kit/db/database.ts';

const SPEND = {
  name: 'used-token-spend',
  text: 'insert into used_tokens (id, expires_at_ms) values ($1, $2) on conflict (id) do nothing returning 1',
};
const CLEAN_UP = defineCleanUp({ name: 'used-tokens-clean-up', table: 'used_tokens', where: 'expires_at_ms <= $1' });

/** Rows outlive what they are about, since clocks of replicas differ. */
const LONGER_MS = 5 * MINUTE_MS;

/** Something signed that a browser holds and that works once. */
export interface UsableOnce {
  /** A uuid. */
  id: string;
  /** From when on it counts for nothing, used or not, in milliseconds since the epoch. Its holder looks at it. */
  expiresAtMs: number;
}

/** What signed things were used: the row is made when it is, so that nothing is kept of those that never are. */
export interface SingleUse {
  /** @param on the transaction of what it is used for, where that has one. @returns false when it was used before */
  spend(on: Queryable, token: UsableOnce): Promise<boolean>;
  /** Forgets those that are too old to be used again. @returns how many */
  cleanUp(): Promise<number>;
}

export function createSingleUse({ db, clock }: { db: Queryable; clock: Clock }): SingleUse {
  return {
    spend: async (on, { id, expiresAtMs }) => (await on.query(SPEND, [id, expiresAtMs + LONGER_MS])).length > 0,
    cleanUp: () => cleanUp(db, CLEAN_UP, [clock.nowMs()]),
  };
}
