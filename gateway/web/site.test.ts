import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { renderMarkdown } from './markdown.ts';
import { buildSite, DOCS_PATH, OPENAPI_PATH, SIGNED_IN_PATH } from './site.ts';

const openapiPath = join(import.meta.dirname, '../../gen/openapi.yaml');
const targetDir = mkdtempSync(join(tmpdir(), 'oxo-web-'));
const files = buildSite({ openapiPath, targetDir });
const textOf = (path: string): string => {
  const { file } = files.find((candidate) => candidate.path === path) ?? assert.fail(path);
  return readFileSync(file, 'utf8');
};
const page = textOf(DOCS_PATH);

describe('the site of the API reference', () => {
  after(() => rmSync(targetDir, { recursive: true }));

  it('lists every operation without a script, with its path and what it does', () => {
    const { paths } = parse(readFileSync(openapiPath, 'utf8'));
    let count = 0;
    for (const [path, methods] of Object.entries<Record<string, { operationId: string; tags: string[] }>>(paths)) {
      for (const { operationId, tags } of Object.values(methods)) {
        count += 1;
        const anchor = `/${tags[0]}/${operationId}`;
        assert.ok(page.includes(`<article id="${anchor}">`), anchor);
        assert.ok(page.includes(`href="#${anchor}"`), anchor);
        assert.ok(page.includes(`<code>${path}</code>`), path);
      }
    }
    assert.ok(count >= 40);
    assert.match(page, /<a href="\/openapi\.yaml">/);
    assert.match(page, /<dt><code>POST_NOT_FOUND<\/code><\/dt><dd>404 No such post/);
  });

  it('loads only what it has itself, and no script or style stands in a page', () => {
    const paths = new Set(files.map(({ path }) => path));
    for (const { path, contentType, contentSecurityPolicy } of files) {
      if (!contentType.startsWith('text/html')) continue;
      const html = textOf(path);
      const loaded = [...html.matchAll(/<(?:script|link|img|iframe|form)\b[^>]*?\b(?:src|href|action)="([^"]*)"/g)];
      assert.ok(loaded.length > 0);
      for (const [, url = ''] of loaded) assert.ok(paths.has(url) || url === 'data:,', `${path} loads ${url}`);
      assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
      assert.doesNotMatch(contentSecurityPolicy ?? assert.fail(path), /unsafe|https?:|\*/);
    }
    for (const { path, contentType } of files) {
      if (!contentType.startsWith('text/css')) continue;
      const urls = [...textOf(path).matchAll(/url\(["']?([^"')]*)|@import\s*["']([^"']*)/g)].map(
        ([, url, other]) => url ?? other,
      );
      for (const url of urls) assert.match(url ?? '', /^data:/, path);
    }
  });

  it('asks nobody else for anything: what the library would ask is switched off', () => {
    const script = textOf(files.find(({ path }) => /\/docs-\w+\.js$/.test(path))?.path ?? assert.fail());
    assert.ok(script.includes(`'${SIGNED_IN_PATH}'`));
    assert.match(script, /validatorUrl: null/);
    assert.match(script, /queryConfigEnabled: false/);
    assert.match(script, /persistAuthorization: false/);
    assert.doesNotMatch(script, /https?:\/\//);
  });

  it('names what never changes by what it holds, and has all of it compressed', () => {
    for (const { path, file, gzipFile, bytes, cacheControl, etag } of files) {
      const content = readFileSync(file);
      assert.equal(content.length, bytes);
      assert.ok(gunzipSync(readFileSync(gzipFile)).equals(content), path);
      assert.match(etag, /^W\/"[0-9a-f]{16}"$/);
      assert.equal(/-[0-9a-f]{16}\.(css|js)$/.test(path), cacheControl.includes('immutable'), path);
    }
    assert.ok(files.some(({ path, readableByPages }) => path === OPENAPI_PATH && readableByPages));
  });

  it('has an icon where browsers look for one', () => {
    const icon = files.find(({ path }) => path === '/favicon.ico') ?? assert.fail();
    assert.equal(icon.contentType, 'image/svg+xml');
    assert.match(textOf(icon.path), /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"(?!.*(script|href|url\())/s);
    assert.ok(page.includes('<link rel="icon" href="/favicon.ico">'));
  });

  it('is made once', () => {
    const times = () => files.map(({ gzipFile }) => statSync(gzipFile).mtimeMs);
    const before = times();
    assert.deepEqual(buildSite({ openapiPath, targetDir }), files);
    assert.deepEqual(times(), before);
  });
});

describe('the Markdown of descriptions', () => {
  it('is HTML of the few things that it knows, and text', () => {
    assert.equal(
      renderMarkdown('A `b<c>` and **d**.\n\n[RFC](https://a.example/x) <script>'),
      '<p>A <code>b&#60;c&#62;</code> and <strong>d</strong>.</p>\n<p><a href="https://a.example/x" rel="noreferrer">RFC</a> &#60;script&#62;</p>',
    );
    assert.doesNotMatch(
      renderMarkdown('[a](javascript:alert(1)) [b](https://x"onclick="y)'),
      /<a [^>]*(javascript|onclick=")/,
    );
  });
});
