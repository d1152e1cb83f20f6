import type { Position } from '#kit/page-token.ts';
import type { PostRow } from '../entities/post-entity.ts';

/** Before every post: where a list of the newest begins. */
export const START: Position = { atMs: Number.MAX_SAFE_INTEGER, id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

/** The place of a post in lists, which are ordered newest first by time, then by id. */
export function positionOf(row: PostRow): Position {
  return { atMs: row.publishedAtMs, id: row.id };
}
