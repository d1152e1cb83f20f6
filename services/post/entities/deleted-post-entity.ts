import { defineEntity, p } from '@mikro-orm/core';

/** The id of a post that was deleted within a day: a repeated delete is told from one of a post that never existed. */
export const DeletedPostEntity = defineEntity({
  name: 'DeletedPost',
  tableName: 'deleted_posts',
  properties: {
    id: p.uuid().primary(),
    authorId: p.uuid(),
    /** Milliseconds since the epoch. */
    deletedAtMs: p.bigint('number'),
  },
});
