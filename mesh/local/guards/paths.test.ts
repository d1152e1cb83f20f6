/** Comments and documents point to files that are there: what moves takes its mentions along. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

const MENTION = /(?<![\w./<>*…{}$@#:-])(?:\.{1,2}\/)*((?:[\w.-]+\/)*[\w-][\w.-]*\.(?:ts|md|proto|lua))(?![\w*/<>-])/g;

/** Contracts of others. */
const FOREIGN = new Set(['descriptor.proto', 'opentelemetry.proto']);

/** What a text says to its readers: all of a document, the comments of code. */
function wordsOf(path: string, text: string): string {
  if (path.endsWith('.md')) return text.replace(/^```[\s\S]*?^```/gm, '');
  const comments = text.matchAll(/(?:^|\s)\/\/.*$|\/\*[\s\S]*?\*\//gm);
  return [...comments].map(([comment]) => comment).join('\n');
}

/** Mentions of files that exist nowhere, as "path: mention". A mention may leave out the folders before it. */
function dead(sources: Readonly<Record<string, string>>, files: readonly string[]): string[] {
  const ends = new Set(
    files.flatMap((file) => {
      const parts = file.split('/');
      return parts.map((_, index) => parts.slice(index).join('/'));
    }),
  );
  return Object.entries(sources).flatMap(([path, text]) =>
    [...wordsOf(path, text).matchAll(MENTION)]
      .map(([, mention = '']) => mention)
      .filter((mention) => !ends.has(mention) && !FOREIGN.has(mention))
      .map((mention) => `${path}: ${mention}`),
  );
}

test('a mention of a file that is not there is seen', () => {
  const sources = {
    'a.ts':
      "import './gone.ts';\n// As `posts/gone.ts` and posts/here.ts.\n/** See there.ts, <name>.test.ts, x/*.ts. */",
    'b.md': 'In [here](../posts/here.ts#L3) and `gone.md`.\n\n```sh\nnode app.ts\n```\n',
  };
  assert.deepEqual(dead(sources, ['services/posts/here.ts', 'README.md']), [
    'a.ts: posts/gone.ts',
    'a.ts: there.ts',
    'b.md: gone.md',
  ]);
});

test('comments and documents mention files that exist', () => {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  const files = listed.split('\n').filter((path) => path !== '');
  // Guards plant mentions of what is nowhere.
  const told = files.filter((path) => /\.(ts|md|proto|js)$/.test(path) && !/^(gen|mesh\/local\/guards)\//.test(path));
  assert.ok(told.length > 500);
  const sources = Object.fromEntries(told.map((path) => [path, readFileSync(join(repositoryRoot, path), 'utf8')]));
  assert.deepEqual(dead(sources, files), []);
});
