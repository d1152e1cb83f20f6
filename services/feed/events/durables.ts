import { defineDurable } from '#kit/events/consumers/durables.ts';

/** Fan-out. Slow work never gets into this lane, so the events of a process that was killed come back soon. */
export const FANOUT = defineDurable({
  name: 'feed-fanout',
  subjects: ['post.created'],
  maxAckPending: 512,
  ackWaitMs: 10_000,
});

/** Drops the windows of deleted users. Each event waits until its erasure is due, so there may be many. */
export const ERASURE = defineDurable({
  name: 'feed-erasure',
  subjects: ['user.deleted'],
  maxAckPending: 1_024,
});

/** The consumers of this service; an administrator's tool makes them. */
export const durables = [FANOUT, ERASURE];
