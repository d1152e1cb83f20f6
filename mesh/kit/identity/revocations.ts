import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { defineEvent } from '#kit/events/envelope.ts';
import { type EventHandler, on } from '#kit/events/handlers.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';

/** A session ended; heard by every process. */
export const sessionRevoked = defineEvent('session.revoked', SessionRevoked);

/** Refuses the tokens of sessions that ended. */
export function revocationHandlers(denyList: DenyList): EventHandler[] {
  return [on(sessionRevoked, ({ sessionId }) => denyList.deny(sessionId))];
}
