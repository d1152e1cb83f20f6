import { hash } from 'node:crypto';
import type { Metadata } from 'nice-grpc-common';
import { invalidFields, OxoError } from '#kit/errors.ts';
import { text } from '#kit/validate.ts';

/** 96 bits. */
const TAG_CHARACTERS = 16;
const MAX_ETAG_CHARACTERS = 64;
/** One entity tag of a list, with the empty elements that a list may have before it. */
const NEXT_TAG = /[ ,]*(W\/)?("[\x21\x23-\x7e]*") *(?=,|$)/y;
const LIST_END = /[ ,]*$/y;

/** The entity tag of this version of a thing (RFC 9110, section 8.8.3): strong, with its quotation marks. */
export function etagOf(id: string, version: number): string {
  return `"${hash('sha256', `${id} ${version}`, 'base64url').slice(0, TAG_CHARACTERS)}"`;
}

/** A field `etag` of a request, as AIP-154 has it: empty for any. */
export function etag() {
  return text({ maxCharacters: MAX_ETAG_CHARACTERS, maxBytes: MAX_ETAG_CHARACTERS });
}

/** Says which state an answer shows, by the header ETag. */
export function sendEtag(context: { header: Metadata }, etag: string): void {
  context.header.set('etag', etag);
}

/**
 * What the caller demands of the present state by If-Match, and by the field `etag` of the request.
 * @returns checks an etag, @throws OxoError ETAG_MISMATCH when it is not one of those
 * @throws OxoError VALIDATION_FAILED when the header is none of RFC 9110
 */
export function readIfMatch(context: { metadata: Metadata }, etag = ''): (current: string) => void {
  const lines = context.metadata.getAll('if-match');
  const listed = lines.length === 0 ? '*' : parseIfMatch(lines.join(','));
  return (current) => {
    const matches = (listed === '*' || listed.has(current)) && (etag === '' || etag === current);
    if (matches) return;
    throw new OxoError('ETAG_MISMATCH', 'It was changed meanwhile. Read it again, and try with its new etag.');
  };
}

/** The strong tags of the list: a weak one is like no other, so it does not count. */
function parseIfMatch(value: string): '*' | ReadonlySet<string> {
  if (value.trim() === '*') return '*';
  const tags = new Set<string>();
  let end = 0;
  for (;;) {
    NEXT_TAG.lastIndex = end;
    const match = NEXT_TAG.exec(value);
    if (match === null) break;
    end = NEXT_TAG.lastIndex;
    const [, weak, tag = ''] = match;
    if (weak === undefined) tags.add(tag);
  }
  LIST_END.lastIndex = end;
  if (end === 0 || !LIST_END.test(value)) {
    throw invalidFields([
      { field: 'If-Match', description: 'must be * or etags in quotation marks, with commas between' },
    ]);
  }
  return tags;
}
