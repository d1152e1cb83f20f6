/** Advisory locks are numbers that all roles of a database share: with one, a breached service could hold up every other. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

test('no statement waits for an advisory lock', () => {
  const files = ['services', 'mesh'].flatMap((folder) =>
    readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|sql)$/.test(name) && !/\.test\.ts$|node_modules/.test(name))
      .map((name) => join(folder, name)),
  );
  assert.ok(files.length > 100);
  const taking = files.filter((file) => /pg_(try_)?advisory/i.test(readFileSync(join(repositoryRoot, file), 'utf8')));
  assert.deepEqual(taking, [], 'use lockViewV1 and a row or table of the service (mesh/kit/db/owner-lock.ts)');
});
