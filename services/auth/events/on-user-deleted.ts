import type { Database } from '#kit/db/database.ts';
import type { EventHandler } from '#kit/events/consumers/handlers.ts';
import { type ErasureDependencies, eraseDeletedUsers } from '#kit/events/consumers/user-deleted.ts';
import { eraseAccount } from '../accounts/erasing.ts';

export interface OnUserDeletedDependencies extends ErasureDependencies {
  db: Database;
}

/** Erases the account of a deleted user. Idempotent by nature. The user service has had it ended before. */
export function onUserDeleted({ db, ...dependencies }: OnUserDeletedDependencies): EventHandler {
  return eraseDeletedUsers(dependencies, (userId, { requestId }) => eraseAccount(db, userId, { requestId }));
}
