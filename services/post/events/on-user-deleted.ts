import type { EventHandler } from '#kit/events/consumers/handlers.ts';
import { type ErasureDependencies, eraseDeletedUsers } from '#kit/events/consumers/user-deleted.ts';
import type { EraseAuthor } from '../posts/erase-author.ts';

export interface OnUserDeletedDependencies extends ErasureDependencies {
  eraseAuthor: EraseAuthor;
}

/** Erases all that this service holds of a deleted user. */
export function onUserDeleted({ eraseAuthor, ...dependencies }: OnUserDeletedDependencies): EventHandler {
  return eraseDeletedUsers(dependencies, eraseAuthor);
}
