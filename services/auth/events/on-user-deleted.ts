import { UserDeleted } from '#gen/oxo/user/v1/user_events.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { type EventHandler, notBefore, on } from '#kit/events/consumers/handlers.ts';
import { defineEvent } from '#kit/events/envelope.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import { eraseAccount } from '../accounts/erasing.ts';

export const userDeleted = defineEvent('user.deleted', UserDeleted);

export interface OnUserDeletedDependencies {
  db: Queryable;
  users: RpcClient<UserInternalServiceDefinition>;
  clock: Clock;
}

/** Erases the account of a deleted user, and says so. Idempotent by nature. The user service has had it ended before. */
export function onUserDeleted({ db, users, clock }: OnUserDeletedDependencies): EventHandler {
  return on(userDeleted, async ({ userId, eraseFrom }, { id, requestId = id }) => {
    notBefore(eraseFrom?.getTime() ?? 0, clock);
    await eraseAccount(db, userId);
    await users.confirmErasure({ userId }, asService({ requestId }));
  });
}
