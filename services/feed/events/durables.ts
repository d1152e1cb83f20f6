import { defineDurable } from '#kit/events/durables.ts';

/** Fan-out. Slow work never gets into this lane, so the events of a process that was killed come back soon. */
export const FANOUT = defineDurable({
  name: 'feed-fanout',
  subjects: ['post.created'],
  maxAckPending: 512,
  ackWaitMs: 10_000,
});

/** The consumers of this service; an administrator's tool makes them. */
export const durables = [FANOUT];
