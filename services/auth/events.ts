import { MailQueued } from '#gen/oxo/auth/v1/auth_events.ts';
import { defineEvent } from '#kit/events/envelope.ts';

/** Read by this service alone: mails are sent when their transaction is through. */
export const mailQueued = defineEvent('mail.queued', MailQueued);
