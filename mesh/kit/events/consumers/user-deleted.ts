/** What every service that holds data of people does when one of them is deleted. */
import { UserDeleted } from '#gen/oxo/user/v1/user_events.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import { type Durable, defineDurable } from '#kit/events/consumers/durables.ts';
import { type EventHandler, type HandlerContext, notBefore, on } from '#kit/events/consumers/handlers.ts';
import { defineEvent } from '#kit/events/envelope.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';

export const userDeleted = defineEvent('user.deleted', UserDeleted);

/** Few: nobody waits for them, and requests come first. */
export const ERASURES_AT_ONCE = 2;

/** The durable of a service that erases what it holds of deleted users. Each event waits until its erasure is due, so there may be many. */
export function defineErasure(service: string): Durable {
  return defineDurable({ name: `${service}-erasure`, subjects: [userDeleted.subject], maxAckPending: 1_024 });
}

export interface ErasureDependencies {
  users: RpcClient<UserInternalServiceDefinition>;
  clock: Clock;
}

/**
 * Erases all that a service holds of a user, in batches. A kill leaves whole batches done, and the event comes again: what is gone is
 * gone.
 * @param call.working is called after each batch, or the time limit of the handler ends it
 */
export type EraseUser = (
  userId: string,
  call: { requestId: string } & Pick<HandlerContext, 'working'>,
) => Promise<unknown>;

/** Erases when it is time for it, and then tells the user service that nothing is left here (`ConfirmErasure`). */
export function eraseDeletedUsers({ users, clock }: ErasureDependencies, erase: EraseUser): EventHandler {
  return on(userDeleted, async ({ userId, eraseFrom }, { id, requestId = id }, { working }) => {
    notBefore(eraseFrom?.getTime() ?? 0, clock);
    await erase(userId, { requestId, working });
    await users.confirmErasure({ userId }, asService({ requestId }));
  });
}
