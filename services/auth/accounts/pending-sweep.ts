import type { Clock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Profiles } from '../profiles/profiles.ts';
import type { Accounts, PendingAccount } from './accounts.ts';

/**
 * Finishes registrations that a crash cut off, or undoes them when somebody else has the handle by now. One that can be neither
 * finished nor undone, because the user service is away, is tried again a minute later.
 */
export function createPendingSweep(options: {
  accounts: Accounts;
  profiles: Profiles;
  clock: Clock;
  logger: Logger;
}): () => Promise<void> {
  const { accounts, profiles, clock, logger } = options;

  async function settle(account: PendingAccount): Promise<void> {
    const call = { requestId: newId(clock.nowMs()) };
    const { outcome } = await profiles.create(account, call);
    if (outcome === 'CREATED') await accounts.activate(account.id, call);
    else await accounts.deletePending(account.id);
    logger.info({ userId: account.id, outcome }, 'a registration that was cut off is settled');
  }

  return async () => {
    for (const account of await accounts.claimPending()) {
      try {
        await settle(account);
      } catch (error) {
        logger.warn({ err: error, userId: account.id }, 'a registration that was cut off is tried again later');
      }
    }
  };
}
