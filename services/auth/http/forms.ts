import { OxoError } from '#kit/errors.ts';
import type { HttpExchange } from './server.ts';

/** Far more than any form of ours. */
const MAX_FORM_BYTES = 16 * 1024;

/**
 * Reads a form that was posted.
 * @throws OxoError BODY_TOO_LARGE; REQUEST_MALFORMED when it is no form
 */
export async function readForm({ request }: Pick<HttpExchange, 'request'>): Promise<URLSearchParams> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') throw malformed();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FORM_BYTES) throw new OxoError('BODY_TOO_LARGE', 'The form is larger than 16 KiB.');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function malformed(): OxoError {
  return new OxoError('REQUEST_MALFORMED', 'The body must be a form (application/x-www-form-urlencoded).');
}
