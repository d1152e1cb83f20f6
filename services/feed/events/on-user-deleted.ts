import { UserDeleted } from '#gen/oxo/user/v1/user_events.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import { type EventHandler, notBefore, on } from '#kit/events/consumers/handlers.ts';
import { defineEvent } from '#kit/events/envelope.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { Windows } from '../feed/window.ts';

export const userDeleted = defineEvent('user.deleted', UserDeleted);

export interface OnUserDeletedDependencies {
  windows: Pick<Windows, 'drop'>;
  users: RpcClient<UserInternalServiceDefinition>;
  clock: Clock;
}

/** Drops the window of a deleted user, and says so. Entries in the windows of others go when these are read. */
export function onUserDeleted({ windows, users, clock }: OnUserDeletedDependencies): EventHandler {
  return on(userDeleted, async ({ userId, eraseFrom }, { id, requestId = id }) => {
    notBefore(eraseFrom?.getTime() ?? 0, clock);
    await windows.drop(userId);
    await users.confirmErasure({ userId }, asService({ requestId }));
  });
}
