import { MailQueued } from '#gen/oxo/auth/v1/auth_events.ts';
import { defineEvent } from '#kit/events/envelope.ts';

/** Read by this service alone: mails are sent when their transaction is through. */
export const mailQueued = defineEvent('mail.queued', MailQueued);

/**
 * So long an answer waits until every process has heard an event, in milliseconds: who signs out is told within the two seconds in which the
 * tokens have to be refused.
 */
export const BROADCAST_LIMIT_MS = 1_500;
