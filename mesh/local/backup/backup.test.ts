import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { oxo } from '../testing/command.ts';
import { temporaryFolder } from '../testing/temporary.ts';

test('a backup that fails leaves nothing of its own, takes nothing of others, and says one sentence', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'x.new'));
  writeFileSync(join(folder, 'x.new/kept'), '');
  writeFileSync(join(folder, 'file'), '');
  // Nobody listens there.
  const env = {
    OXO_STATE_DIR: temporaryFolder(),
    DATABASE_URL: 'postgres://a:b@127.0.0.1:1/x',
    REDIS_URL: 'redis://127.0.0.1:1',
    NATS_URL: 'nats://127.0.0.1:1',
  };
  for (const to of [join(folder, 'x'), '/proc/x', '/proc/x/y', join(folder, 'file/x')]) {
    const { code, err } = await oxo(['backup', '--to', to], { env });
    assert.equal(code, 1, err);
    assert.match(err, /^oxo: .* can't be (written|used): /);
    assert.doesNotMatch(err, /\n\s+at /);
  }
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'x.new']);
  assert.deepEqual(readdirSync(join(folder, 'x.new')), ['kept']);
});
