/** The command as a person types it. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from './settings.ts';
import { isAlive } from './supervisor/proc.ts';
import { identitiesOf, ownStack, oxo } from './testing/command.ts';
import { temporaryFolder } from './testing/temporary.ts';

test('without a command, and by help, the commands are listed', async () => {
  for (const args of [[], ['help'], ['--help']]) {
    const { code, out } = await oxo(args);
    assert.equal(code, 0);
    const listed = [...out.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, name]) => name);
    const table = readFileSync(join(import.meta.dirname, 'oxo.ts'), 'utf8').matchAll(
      /^ {2}'?([a-z-]+)'?: \(\) => import/gm,
    );
    assert.deepEqual(
      listed,
      [...table].map(([, name]) => name),
    );
    assert(listed.length > 15);
  }
  const { code, out } = await oxo(['up', '--help']);
  assert.equal(code, 0);
  assert.match(out, /OXO_PORT_BASE/);
});

test('help needs neither Node nor packages, and fetches nothing', async () => {
  const folder = temporaryFolder();
  cpSync(join(repositoryRoot, 'oxo'), join(folder, 'oxo'));
  mkdirSync(join(folder, 'mesh/local'), { recursive: true });
  cpSync(join(repositoryRoot, 'mesh/local/help.txt'), join(folder, 'mesh/local/help.txt'));
  const cache = join(folder, 'cache');
  for (const args of [[], ['help'], ['-h']]) {
    const { code, out } = await oxo(args, { program: join(folder, 'oxo'), env: { OXO_CACHE_DIR: cache } });
    assert.equal(code, 0);
    assert.match(out, /^usage: \.\/oxo <command>/m);
  }
  assert.equal(existsSync(cache), false);
});

test('what is not known is said, with exit code 2', async () => {
  for (const args of [
    ['nonsense'],
    ['up', '--nonsense'],
    ['up', '--replicas', '5'],
    ['down', 'now'],
    ['dead-letters'],
    ['logs', '-n', 'x'],
  ]) {
    const { code, err } = await oxo(args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, /^oxo: /);
    assert.doesNotMatch(err, /\n\s+at /);
  }
});

test('logs are shown whole, to their last line, and steer no terminal', async () => {
  const env = { OXO_STATE_DIR: temporaryFolder() };
  const logs = join(env.OXO_STATE_DIR, 'logs');
  mkdirSync(logs);
  const lines = Array.from({ length: 10_000 }, (_, n) => `${n} ${'x'.repeat(200)}`);
  writeFileSync(join(logs, 'post.log.1'), `${lines.slice(0, 4_000).join('\n')}\n`);
  writeFileSync(join(logs, 'post.log'), `${lines.slice(4_000, -1).join('\n')}\na\u001b[2J\tb\n`);
  // Far more than a pipe holds.
  const { out } = await oxo(['logs', 'post', '-n', '10000'], { env });
  assert.deepEqual(out.split('\n'), [...lines.slice(0, -1), 'a\\u{1b}[2J\tb', '']);
});

test('wrong settings are named with exit code 1', async () => {
  const { code, err } = await oxo(['status'], { env: { OXO_PORT_BASE: 'x', OXO_TRUSTED_HOPS: 'y' } });
  assert.equal(code, 1);
  assert.match(err, /OXO_PORT_BASE[\s\S]*OXO_TRUSTED_HOPS/);
});

test('it runs by a symbolic link, and from a path with spaces', async () => {
  const folder = temporaryFolder();
  const copy = join(folder, 'a path with spaces');
  mkdirSync(copy);
  for (const name of ['oxo', 'package.json', 'package-lock.json', 'mesh', 'gateway', 'gen', 'services']) {
    cpSync(join(repositoryRoot, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(copy, 'node_modules'));
  symlinkSync('a path with spaces/oxo', join(folder, 'first link'));
  symlinkSync(join(folder, 'first link'), join(folder, 'second link'));
  const { code, out } = await oxo(['help', 'up'], { program: join(folder, 'second link'), cwd: folder });
  assert.equal(code, 0);
  assert.match(out, /usage/);
});

test('before anything was started, status and down say so', async (t) => {
  const { env } = await ownStack(t);
  const status = await oxo(['status'], { env });
  assert.equal(status.code, 1);
  assert.match(status.out, /nothing was started/);
  const down = await oxo(['down'], { env });
  assert.equal(down.code, 0);
  assert.match(down.out, /nothing is running/);
});

test('two ups at once end with one stack; a third sees it; down leaves no process', async (t) => {
  const { env, state } = await ownStack(t);
  const two = ['up', '--servers', '--replicas', '2'];
  const both = await Promise.all([oxo(two, { env }), oxo(two, { env })]);
  for (const { code, out, err } of both) {
    assert.equal(code, 0, err);
    assert.match(out, /servers are ready/);
  }
  const { supervisor } = state();
  assert(isAlive(supervisor));

  const third = await oxo(['up', '--servers'], { env });
  assert.equal(third.code, 0);
  assert.match(third.out, /already running/);
  assert.deepEqual([state().supervisor, state().replicas], [supervisor, 2]);
  const other = await oxo(['up', '--servers'], { env: { ...env, OXO_REPLICAS: '1' } });
  assert.equal(other.code, 1);
  assert.match(other.err, /already running with 2 processes of every service, not 1[\s\S]*oxo down/);

  const status = await oxo(['status', '--json'], { env });
  assert.equal(status.code, 0, status.out);
  const { ready, processes } = JSON.parse(status.out);
  assert.equal(ready, true);
  for (const { pid, memoryBytes } of processes) assert(pid > 0 && memoryBytes > 0);

  const identities = [supervisor, ...identitiesOf(state())];
  assert.equal((await oxo(['down'], { env })).code, 0);
  assert.deepEqual(identities.filter(isAlive), []);
  assert.equal((await oxo(['status'], { env })).code, 1);
});

test('whatever is frozen, status and dead-letters answer soon and say so, and down stops it', async (t) => {
  const { env, state } = await ownStack(t);
  assert.equal((await oxo(['up', '--servers'], { env })).code, 0);
  const before = state();
  // The supervisor first: it would start them again.
  for (const { pid } of [before.supervisor, ...identitiesOf(before)]) process.kill(pid, 'SIGSTOP');
  const startedAtMs = performance.now();
  const status = await oxo(['status'], { env });
  assert(performance.now() - startedAtMs < 8_000);
  assert.equal(status.code, 1);
  assert.match(status.out, /supervisor is frozen/);
  for (const name of ['postgres', 'redis', 'nats']) assert.match(status.out, new RegExp(`${name} +not answering`));
  const letters = await oxo(['dead-letters', 'list'], { env });
  assert.equal(letters.code, 1);
  assert.match(letters.err, /NATS is away/);

  assert.equal((await oxo(['down'], { env })).code, 0);
  assert.deepEqual([before.supervisor, ...identitiesOf(before)].filter(isAlive), []);
});

test('after a kill -9 of the supervisor, up stops what it left and starts anew with the same data', async (t) => {
  const { env, state } = await ownStack(t);
  assert.equal((await oxo(['up', '--servers'], { env })).code, 0);
  const before = state();
  process.kill(before.supervisor.pid, 'SIGKILL');
  const orphans = identitiesOf(before);
  assert.equal(orphans.filter(isAlive).length, 5);

  const lost = await oxo(['status'], { env });
  assert.equal(lost.code, 1);
  assert.match(lost.out, /supervisor died/);

  const secrets = readFileSync(join(env.OXO_STATE_DIR ?? '', 'secrets.json'), 'utf8');
  const again = await oxo(['up', '--servers'], { env });
  assert.equal(again.code, 0, again.err);
  assert.match(again.out, /leftovers/);
  assert.deepEqual(orphans.filter(isAlive), []);
  assert.equal(identitiesOf(state()).filter(isAlive).length, 5);
  assert.equal(readFileSync(join(env.OXO_STATE_DIR ?? '', 'secrets.json'), 'utf8'), secrets);
});

test('down after a kill -9 of the supervisor stops what it left', async (t) => {
  const { env, state } = await ownStack(t);
  assert.equal((await oxo(['up', '--servers'], { env })).code, 0);
  const before = state();
  process.kill(before.supervisor.pid, 'SIGKILL');
  const down = await oxo(['down'], { env });
  assert.equal(down.code, 0);
  assert.match(down.out, /postgres/);
  assert.deepEqual(identitiesOf(before).filter(isAlive), []);
});
