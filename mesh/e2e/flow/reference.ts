import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../local/settings.ts';
import type { Cases } from '../testing/cases.ts';
import type { World } from '../testing/world.ts';

const ask = ({ stack }: World, path: string, init: RequestInit = {}) => fetch(`${stack.urls.frontDoor}${path}`, init);

/** What the front door says of the API. */
export const reference: Cases = {
  'the description of the API is the one that is published, for HEAD too': async (world) => {
    const published = readFileSync(join(repositoryRoot, 'gen/openapi.yaml'), 'utf8');
    const answer = await ask(world, '/openapi.yaml');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/yaml');
    assert.equal(await answer.text(), published);
    const head = await ask(world, '/openapi.yaml', { method: 'HEAD' });
    assert.equal(head.status, 200);
    const known = await ask(world, '/openapi.yaml', { headers: { 'if-none-match': head.headers.get('etag') ?? '' } });
    assert.equal(known.status, 304);
  },

  'the API reference loads all that it needs from here, and may load nothing else': async (world) => {
    const page = await ask(world, '/docs');
    assert.equal(page.status, 200);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'.*script-src 'self'.*connect-src 'self'.*frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|http|\*/);
    const html = await page.text();
    const loaded = [...html.matchAll(/<(?:script|link)\b[^>]*?\b(?:src|href)="(\/[^"]*)"/g)].map(([, url = '']) => url);
    assert.ok(loaded.length >= 4);
    for (const url of [...loaded, '/docs/signed-in']) {
      const asset = await ask(world, url);
      assert.equal(asset.status, 200, url);
      assert.equal(asset.headers.get('x-content-type-options'), 'nosniff');
      const isNamedByContent = url.startsWith('/docs/assets/');
      assert.equal(asset.headers.get('cache-control')?.includes('immutable'), isNamedByContent, url);
      assert.ok((await asset.arrayBuffer()).byteLength > 100, url);
    }
  },

  'nothing else is there': async (world) => {
    for (const [method, path] of [
      ['GET', '/docs/nowhere'],
      ['POST', '/docs'],
      ['DELETE', '/openapi.yaml'],
    ] as const) {
      const answer = await ask(world, path, { method });
      assert.equal(answer.status, 404, path);
      const { details } = (await answer.json()) as { details: { reason: string }[] };
      assert.equal(details[0]?.reason, 'ROUTE_NOT_FOUND');
    }
  },
};
