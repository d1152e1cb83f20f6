import { createHash } from 'node:crypto';
import { z } from 'zod';
import { OxoError } from '#kit/errors.ts';
import { isId } from '#kit/ids.ts';

/** A place in a list that is ordered newest first by time, then by id. */
export interface Position {
  /** Milliseconds since the epoch. */
  atMs: number;
  id: string;
}

/** Before everything: where a list begins. */
export const START: Position = { atMs: Number.MAX_SAFE_INTEGER, id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

const payload = z.tuple([z.string(), z.number().int().min(0).max(8_640_000_000_000_000), z.string().refine(isId)]);

/** Says for which list a token was given, without telling anything about the list. */
export function fingerprint(list: string): string {
  return createHash('sha256').update(list).digest('base64url').slice(0, 11);
}

/**
 * An opaque token for the page after this position. It never expires.
 * @param list name and parameters of the list, such as "user-posts:<id>": the token works for no other
 */
export function encodePageToken(list: string, position: Position): string {
  return Buffer.from(JSON.stringify([fingerprint(list), position.atMs, position.id])).toString('base64url');
}

/**
 * The position that a token stands for; undefined for the empty token, which means the first page.
 * @throws OxoError PAGE_TOKEN_INVALID when the token was not given for this list
 */
export function decodePageToken(list: string, token: string): Position | undefined {
  if (token === '') return undefined;
  const invalid = new OxoError('PAGE_TOKEN_INVALID', 'The page token is not one of this list.', {
    fields: [{ field: 'pageToken', description: 'must be a nextPageToken of this same list' }],
  });
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw invalid;
  }
  const parsed = payload.safeParse(content);
  if (!parsed.success || parsed.data[0] !== fingerprint(list)) throw invalid;
  return { atMs: parsed.data[1], id: parsed.data[2] };
}

/** One page of a list: what its statement needs, and what becomes of the rows. */
export interface Page {
  /** The statement reads what comes after this place: `(at_ms, id) < ($1, $2)`. */
  before: Position;
  /** Rows to read: one more than the page tells whether another follows. */
  limit: number;
  /** The rows of this page, and the token of the next; empty at the end of the list. */
  close<Row>(rows: readonly Row[], positionOf: (row: Row) => Position): { rows: Row[]; nextPageToken: string };
}

/**
 * The page that a request asks for by its `pageFields`.
 * @param list name and parameters of the list, as for `encodePageToken`
 * @throws OxoError PAGE_TOKEN_INVALID when the token was not given for this list
 */
export function openPage(list: string, asked: { pageSize: number; pageToken: string }): Page {
  const { pageSize, pageToken } = asked;
  return {
    before: decodePageToken(list, pageToken) ?? START,
    limit: pageSize + 1,
    close(rows, positionOf) {
      const page = rows.slice(0, pageSize);
      const last = rows.length > pageSize ? page.at(-1) : undefined;
      return { rows: page, nextPageToken: last === undefined ? '' : encodePageToken(list, positionOf(last)) };
    },
  };
}
