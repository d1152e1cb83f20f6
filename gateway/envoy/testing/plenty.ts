import type { EdgeLimits, Rate } from '../limits/rates.ts';

const rate: Rate = { calls: 1_000_000, per: 'second' };
const caller = { user: rate, client: rate, grant: rate };

/** For tests of other things. */
export const plenty: EdgeLimits = {
  everyone: rate,
  network: rate,
  reads: caller,
  writes: { ...caller, everyone: rate, network: rate, uncounted: { calls: 1, per: 'day' } },
};
