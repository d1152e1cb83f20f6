import { defineEntity, p } from '@mikro-orm/core';

/** A user who is gone: what is still to be erased, and afterwards the proof that it was. */
export const DeletionEntity = defineEntity({
  name: 'Deletion',
  tableName: 'deletions',
  properties: {
    userId: p.uuid().primary(),
    /** Nobody else may take it yet; null when it is free. */
    handle: p.text().nullable(),
    /** Milliseconds since the epoch. */
    deletedAtMs: p.bigint('number'),
    /** Outbox id of the event user.deleted. */
    version: p.bigint('number'),
    /** When the last follow of the user, and of those who followed, was erased. */
    graphErasedAtMs: p.bigint('number').nullable(),
    /** When nothing was left of the user anywhere. */
    erasedAtMs: p.bigint('number').nullable(),
  },
});
