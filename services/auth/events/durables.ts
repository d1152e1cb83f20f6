import { defineDurable } from '#kit/events/consumers/durables.ts';

/** Erases the accounts of deleted users. Each event waits until its erasure is due, so there may be many. */
export const ERASURE = defineDurable({
  name: 'auth-erasure',
  subjects: ['user.deleted'],
  maxAckPending: 1_024,
});

/** The consumers of this service; an administrator's tool makes them. */
export const durables = [ERASURE];
