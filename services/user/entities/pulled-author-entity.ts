import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** Where an author stands on the way across the limit; see graph/pulled-authors.ts. */
export const PULL_STATE = { announced: 1, pulled: 2, retiring: 3 } as const;
export type PullState = (typeof PULL_STATE)[keyof typeof PULL_STATE];

/** An author whose followers look for the posts themselves. */
export const PulledAuthorEntity = defineEntity({
  name: 'PulledAuthor',
  tableName: 'pulled_authors',
  properties: {
    userId: p.uuid().primary(),
    state: p.smallint().$type<PullState>(),
    /** New with each step. */
    version: p.bigint('number'),
  },
});

/** A row of the table pulled_authors. */
export type PulledAuthorRow = InferEntity<typeof PulledAuthorEntity>;

/** The columns of a PulledAuthorRow. Numbers of 64 bits become JavaScript numbers. */
export const pulledAuthorColumns = () => 'user_id as "userId", state, version::float8';
