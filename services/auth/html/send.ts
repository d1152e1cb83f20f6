import type { ServerResponse } from 'node:http';
import { documentOf, type Page } from './document.ts';
import { policyOf, SAFE_HEADERS } from './policy.ts';

/** Answers with a page. */
export function sendPage(response: ServerResponse, status: number, page: Page): void {
  const bytes = Buffer.from(documentOf(page));
  response.writeHead(status, {
    ...SAFE_HEADERS,
    'content-security-policy': policyOf(page),
    'content-type': 'text/html; charset=utf-8',
    'content-length': bytes.length,
  });
  response.end(bytes);
}
