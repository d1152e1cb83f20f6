import { UserDeleted } from '#gen/oxo/user/v1/user_events.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import { type EventHandler, notBefore, on } from '#kit/events/consumers/handlers.ts';
import { defineEvent } from '#kit/events/envelope.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { EraseAuthor } from '../posts/erase-author.ts';

export const userDeleted = defineEvent('user.deleted', UserDeleted);

export interface OnUserDeletedDependencies {
  eraseAuthor: EraseAuthor;
  users: RpcClient<UserInternalServiceDefinition>;
  clock: Clock;
}

/** Erases all that this service holds of a deleted user, and says so. Idempotent by nature: what is gone is gone. */
export function onUserDeleted({ eraseAuthor, users, clock }: OnUserDeletedDependencies): EventHandler {
  return on(userDeleted, async ({ userId, eraseFrom }, { id, requestId = id }, { working }) => {
    notBefore(eraseFrom?.getTime() ?? 0, clock);
    await eraseAuthor(userId, { requestId, working });
    await users.confirmErasure({ userId }, asService({ requestId }));
  });
}
