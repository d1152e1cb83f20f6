import { defineErasure } from '#kit/events/consumers/user-deleted.ts';

/** Erases the accounts of deleted users. */
export const ERASURE = defineErasure('auth');

/** The consumers of this service; an administrator's tool makes them. */
export const durables = [ERASURE];
