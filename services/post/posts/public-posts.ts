import { type PostRow, postColumns } from '../entities/post-entity.ts';
import { FOR_ALL } from './visibility.ts';

const PLACES = `from posts where visibility in (${FOR_ALL.join(', ')}) and (published_at_ms, id) < ($1, $2)
  order by published_at_ms desc, id desc`;

/** Reads as many entries of the index of public posts as are asked for. Values: the place before (ms, id), rows. */
export const PUBLIC_POSTS = { name: 'posts-public', text: `select ${postColumns()} ${PLACES} limit $3` };

/** Entries that one statement may pass over. */
export const PLACES_AT_ONCE = 5_000;

export interface PassedOver {
  /** How many entries it looked at, and the last of them. */
  looked: number;
  lastAtMs: number;
  lastId: string;
  /** Null when all are of these authors. */
  rows: PostRow[] | null;
}

/**
 * The same without the posts of some authors, for the two minutes between a deletion and its erasure. No row at the end of the list.
 * Values: the place before (ms, id), rows, authors.
 */
export const PASS_OVER = {
  name: 'posts-public-pass-over',
  text: `with looked as materialized (
      select id, author_id, published_at_ms ${PLACES} limit ${PLACES_AT_ONCE}),
    kept as (
      select id from looked where author_id <> all ($4::uuid[]) order by published_at_ms desc, id desc limit $3),
    found as (select ${postColumns()} from posts where id in (select id from kept))
    select (select count(*)::integer from looked) as looked, published_at_ms::float8 as "lastAtMs", id as "lastId",
      (select json_agg(found order by "publishedAtMs" desc, id desc) from found) as rows
    from looked order by published_at_ms, id limit 1`,
};
