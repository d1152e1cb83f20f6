import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SECOND_MS } from '#kit/clock.ts';
import { RECENT_SIGN_IN_MS } from './recent-sign-in.ts';

test('pages and RPCs ask anew after the same time', () => {
  const cwd = join(import.meta.dirname, '../../../proto');
  const said = globSync('oxo/**/*.proto', { cwd }).flatMap((path) =>
    [...readFileSync(join(cwd, path), 'utf8').matchAll(/max_sign_in_age_seconds: (\d+)/g)].map(([, seconds]) => ({
      path,
      ms: Number(seconds) * SECOND_MS,
    })),
  );
  assert.ok(said.length > 5);
  for (const { path, ms } of said) assert.equal(ms, RECENT_SIGN_IN_MS, path);
});
