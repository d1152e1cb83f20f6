import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { SAFE_HEADERS } from './policy.ts';

/** The one script of the pages, which asks browsers for passkeys. */
const SCRIPT = readFileSync(new URL('./scripts/passkeys.js', import.meta.url));
const HASH = createHash('sha256').update(SCRIPT).digest('hex').slice(0, 16);

/** Its path, which says what it holds. @param under the page under which it lies, so that the front door leads here */
export function scriptPath(under: string): string {
  return `${under}/passkeys-${HASH}.js`;
}

/** Answers with it; nobody need ask for it again. */
export function sendScript(response: ServerResponse): void {
  response.writeHead(200, {
    ...SAFE_HEADERS,
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': 'text/javascript; charset=utf-8',
    'content-length': SCRIPT.length,
  });
  response.end(SCRIPT);
}
