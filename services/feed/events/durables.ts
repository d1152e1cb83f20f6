import { defineDurable } from '#kit/events/consumers/durables.ts';
import { defineErasure } from '#kit/events/consumers/user-deleted.ts';

/** Fan-out. Slow work never gets into this lane, so the events of a process that was killed come back soon. */
export const FANOUT = defineDurable({
  name: 'feed-fanout',
  subjects: ['post.created'],
  maxAckPending: 512,
  ackWaitMs: 10_000,
});

/** Drops the windows of deleted users. */
export const ERASURE = defineErasure('feed');

/** The consumers of this service; an administrator's tool makes them. */
export const durables = [FANOUT, ERASURE];
