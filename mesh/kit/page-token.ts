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

const payload = z.tuple([z.string(), z.number().int().min(0).max(8_640_000_000_000_000), z.string().refine(isId)]);

/** Says for which list a token was given, without telling anything about the list. */
function fingerprint(list: string): string {
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
