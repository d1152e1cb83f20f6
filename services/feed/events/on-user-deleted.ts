import type { EventHandler } from '#kit/events/consumers/handlers.ts';
import { type ErasureDependencies, eraseDeletedUsers } from '#kit/events/consumers/user-deleted.ts';
import type { Windows } from '../feed/window.ts';

export interface OnUserDeletedDependencies extends ErasureDependencies {
  windows: Pick<Windows, 'drop'>;
}

/** Drops the window of a deleted user. Entries in the windows of others go when these are read. */
export function onUserDeleted({ windows, ...dependencies }: OnUserDeletedDependencies): EventHandler {
  return eraseDeletedUsers(dependencies, (userId) => windows.drop(userId));
}
