import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import { defineDurable } from '#kit/events/consumers/durables.ts';
import { defineErasure } from '#kit/events/consumers/user-deleted.ts';
import { mailQueued } from '../events.ts';

/** Erases the accounts of deleted users. */
export const ERASURE = defineErasure('auth');

/** How long a mail waits before it is sent again; what an SMTP server refuses for now, it often takes after a quarter of an hour. */
export const MAIL_BACKOFF_MS: readonly number[] = [
  ...[SECOND_MS, 5 * SECOND_MS, 20 * SECOND_MS, MINUTE_MS],
  ...[5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS],
];

/** Sends mails. With the delays above, an SMTP server may be away for a day and a half; those that wait for it hold up no others. */
export const MAIL = defineDurable({
  name: 'auth-mail',
  subjects: [mailQueued.subject],
  maxAckPending: 1_024,
  maxDeliver: 45,
  ackWaitMs: MINUTE_MS,
});

/** The consumers of this service; an administrator's tool makes them. */
export const durables = [ERASURE, MAIL];
