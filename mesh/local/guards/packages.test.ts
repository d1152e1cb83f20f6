import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

type Lock = { readonly packages: Readonly<Record<string, { readonly integrity?: string }>> };

test('every package is pinned by its hash, those for other machines too', () => {
  for (const path of ['package-lock.json', 'mesh/local/node/package-lock.json']) {
    const { packages }: Lock = JSON.parse(readFileSync(join(repositoryRoot, path), 'utf8'));
    const fetched = Object.entries(packages).filter(([name]) => name !== '');
    assert(fetched.length > 0, path);
    const unpinned = fetched.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? '')).map(([name]) => name);
    assert.deepEqual(unpinned, [], path);
  }
});
