import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError } from '../cli/cli-error.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { chooseUnprivileged, commandAs, handOver } from './unprivileged.ts';

const isRoot = process.getuid?.() === 0;
const somebody = 65_534;

test('root is never the one who runs it; anybody else runs it as they are', async () => {
  assert.equal((await chooseUnprivileged()).kind === 'plain', !isRoot);
});

test('the command line says who runs it', () => {
  assert.deepEqual(commandAs({ kind: 'plain' }, '/bin/x', ['-a']), { command: '/bin/x', args: ['-a'] });
  assert.deepEqual(commandAs({ kind: 'uid', uid: 7 }, '/bin/x', ['-a']), { command: '/bin/x', args: ['-a'], uid: 7 });
  const { command, args } = commandAs({ kind: 'namespace' }, '/bin/x', ['-a']);
  assert.equal(command, 'unshare');
  assert.deepEqual(args.slice(-3), ['--', '/bin/x', '-a']);
});

test('a folder is handed over with all that is in it, and taken back', () => {
  const data = join(temporaryFolder(), 'data');
  mkdirSync(join(data, 'base'), { recursive: true });
  writeFileSync(join(data, 'base/1'), '');
  const before = statSync(data).uid;
  handOver({ kind: 'uid', uid: somebody }, [data], '/bin/sh');
  assert.equal(statSync(join(data, 'base/1')).uid, isRoot ? somebody : before);
  handOver({ kind: 'namespace' }, [data], '/bin/sh');
  assert.equal(statSync(join(data, 'base/1')).uid, before);
});

test('a folder that the other user cannot enter is named, with what to do', () => {
  const closed = join(temporaryFolder(), 'closed');
  mkdirSync(join(closed, 'data'), { recursive: true });
  chmodSync(closed, 0o700);
  const give = () => handOver({ kind: 'uid', uid: somebody }, [join(closed, 'data')], '/bin/sh');
  if (!isRoot) return give();
  assert.throws(give, (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /closed/);
    assert.match(error.advice.join(' '), /OXO_STATE_DIR/);
    return true;
  });
});
