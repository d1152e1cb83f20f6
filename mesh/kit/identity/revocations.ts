import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { defineEvent } from '#kit/events/envelope.ts';

/** Sessions that ended, heard by every process: their tokens are refused from then on. */
export const sessionRevoked = defineEvent('session.revoked', SessionRevoked);
