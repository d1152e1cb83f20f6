/** What is broken in the state folder, or around the command, is said in one error with the next step. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { until } from '#kit/testing/until.ts';
import type { Status } from '../commands/status/overview.ts';
import type { Finding } from '../doctor/examination.ts';
import { repositoryRoot } from '../settings.ts';
import { isAlive } from '../supervisor/proc.ts';
import { readState, type StackState } from '../supervisor/state.ts';
import { identitiesOf, ownStack, oxo, type Result } from '../testing/command.ts';
import { temporaryFolder } from '../testing/temporary.ts';

const program = join(repositoryRoot, 'oxo');

function requireOneError({ code, err }: Result, message: RegExp): void {
  assert.equal(code, 1, err);
  assert.match(err, message);
  assert.match(err, /^oxo: /);
  assert.doesNotMatch(err, /\n\s+at /);
}

test('a damaged state file: commands say so, down stops everything, up writes it anew', async (t) => {
  const { env, stateDir, state } = await ownStack(t);
  assert.equal((await oxo(['up', '--servers'], { env })).code, 0);
  const before = state();
  for (const damage of ['{"supervisor"', '[]', '']) {
    writeFileSync(join(stateDir, 'run/state.json'), damage);
    for (const args of [['status'], ['up'], ['dead-letters', 'list'], ['migrate']]) {
      requireOneError(await oxo(args, { env }), /state\.json is damaged\n[\s\S]*\.\/oxo down first/);
    }
  }
  const down = await oxo(['down'], { env });
  assert.equal(down.code, 0, down.err);
  assert.deepEqual([before.supervisor, ...identitiesOf(before)].filter(isAlive), []);

  writeFileSync(join(stateDir, 'run/state.json'), '{');
  const up = await oxo(['up', '--servers'], { env });
  assert.equal(up.code, 0, up.err);
});

test('without a state file and without a supervisor, down finds what runs', async (t) => {
  const { env, stateDir, state } = await ownStack(t);
  assert.equal((await oxo(['up', '--servers'], { env })).code, 0);
  const before = state();
  process.kill(before.supervisor.pid, 'SIGKILL');
  await requireRedisMissed(before, env);
  rmSync(join(stateDir, 'run/state.json'));
  const down = await oxo(['down'], { env });
  assert.equal(down.code, 0, down.err);
  assert.match(down.out, /nats.*postgres|postgres.*nats/);
  assert.deepEqual(identitiesOf(before).filter(isAlive), []);
  assert.doesNotMatch((await oxo(['up', '--servers'], { env })).out, /leftovers/);
});

/** What has ended beside a supervisor that is dead is told, as what only `up` brings back. */
async function requireRedisMissed({ processes, supervisor }: StackState, env: Record<string, string>): Promise<void> {
  const redis = processes.find(({ name }) => name === 'redis')?.identity;
  assert(redis !== undefined);
  process.kill(redis.pid, 'SIGKILL');
  await until('both have ended', () => !isAlive(redis) && !isAlive(supervisor));
  const status: Status = JSON.parse((await oxo(['status', '--json'], { env })).out);
  assert.equal(status.processes.find(({ name }) => name === 'redis')?.state, 'gone');
  assert.deepEqual(
    status.problems.slice(0, 2).map(({ alert, impact, next }) => [alert, impact, next]),
    [
      ['SupervisorAway', 'degraded', './oxo up'],
      ['RedisAway', 'degraded', './oxo up'],
    ],
  );
  assert.match(status.summary, /left 4 processes; redis is gone/);
  assert.match((await oxo(['trace'], { env })).err, /this stack is not observed/);
  const { findings }: { findings: Finding[] } = JSON.parse((await oxo(['doctor', '--json'], { env })).out);
  const found = findings.filter(({ area, verdict }) => area === 'processes' && verdict !== 'ok');
  assert.deepEqual(
    found.map(({ name, next }) => [name, next]),
    [['redis', './oxo up']],
  );
}

test('when the state folder is removed, status names what runs, and it ends by down or by itself', async (t) => {
  const { env, stateDir, state } = await ownStack(t);
  assert.equal((await oxo(['up', '--servers'], { env })).code, 0);
  const before = state();
  const alive = () => [before.supervisor, ...identitiesOf(before)].filter(isAlive);
  // Who can't notice it goes on until down.
  process.kill(before.supervisor.pid, 'SIGSTOP');
  rmSync(stateDir, { recursive: true });
  const status = await oxo(['status'], { env });
  assert.equal(status.code, 1);
  assert.match(status.out, /has no state of what runs: supervisor, .*nats.* \.\/oxo down stops them/);
  const down = await oxo(['down'], { env });
  assert.equal(down.code, 0, down.err);
  assert.match(down.out, /stopped in/);
  assert.deepEqual(alive(), []);
});

test('a supervisor whose state folder is removed stops its processes', async (t) => {
  const { env, stateDir, state } = await ownStack(t);
  assert.equal((await oxo(['up', '--servers'], { env })).code, 0);
  const before = state();
  rmSync(stateDir, { recursive: true });
  await until('all have ended', () => ![before.supervisor, ...identitiesOf(before)].some(isAlive), 60_000);
});

test('damaged secrets are named by up, with what to do', async (t) => {
  const { env, stateDir } = await ownStack(t);
  mkdirSync(stateDir);
  for (const damage of ['{', '{"admin": {}}']) {
    writeFileSync(join(stateDir, 'secrets.json'), damage);
    requireOneError(await oxo(['up', '--servers'], { env }), /secrets\.json is damaged\n[\s\S]*restore it/);
  }
});

test('a state or cache folder that can not be used is named with its setting', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'below'), '/proc/nope']) {
    for (const args of [
      ['up', '--servers'],
      ['dead-letters', 'list'],
    ]) {
      requireOneError(await oxo(args, { env: { OXO_STATE_DIR: folder } }), /[\s\S]*OXO_STATE_DIR/);
    }
    for (const args of [['status'], ['down'], ['logs'], ['migrate']]) {
      const { err } = await oxo(args, { env: { OXO_STATE_DIR: folder } });
      assert.doesNotMatch(err, /\n\s+at /, `${args} with ${folder}`);
    }
    requireOneError(await oxo(['up', '--help'], { env: { OXO_CACHE_DIR: folder } }), /OXO_CACHE_DIR/);
  }
});

test('who stops reading does not disturb the command', async () => {
  // The reader is gone before the first line.
  const script = `set -o pipefail; '${program}' status --help | true; echo "$?"`;
  const piped = spawn('bash', ['-c', script]);
  const [out, err] = await Promise.all([text(piped.stdout), text(piped.stderr)]);
  assert.equal(out, '0\n');
  assert.equal(err, '');
});

test('an up whose reader goes after the first line goes on, and a damaged snapshot of Redis is left out and said', async (t) => {
  const { env, stateDir, state } = await ownStack(t);
  mkdirSync(join(stateDir, 'data/redis'), { recursive: true });
  writeFileSync(join(stateDir, 'data/redis/dump.rdb'), 'REDIS0011 this is none');
  const script = `'${program}' up --servers | head -1; echo "\${PIPESTATUS[0]}"`;
  const piped = spawn('bash', ['-c', script], { env: { ...process.env, ...env } });
  const [out, err] = await Promise.all([text(piped.stdout), text(piped.stderr)]);
  assert.match(out, /\n0\n$/);
  assert.equal(err, '');
  assert.match(state().steps.find(({ name }) => name === 'redis')?.note ?? '', /starts empty/);
  assert.deepEqual(
    state().processes.map(({ state: now }) => now),
    ['ready', 'ready', 'ready', 'ready', 'ready'],
  );
});

test('an up that is interrupted says so and leaves nothing', async (t) => {
  const { env, stateDir } = await ownStack(t);
  const child = spawn(program, ['up', '--servers'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  await until('something is begun', () => existsSync(join(stateDir, 'run/state.json')), 60_000);
  child.kill('SIGINT');
  const [[code], , err] = await ended;
  assert.equal(code, 130);
  assert.match(err, /stopping what was begun[\s\S]*stopped/);
  const state = readState(stateDir);
  assert(state !== undefined && !isAlive(state.supervisor));
  assert.deepEqual(identitiesOf(state).filter(isAlive), []);
});

test('logs can be read by their owner alone, and are lines of JSON', async (t) => {
  const { env, stateDir } = await ownStack(t);
  assert.equal((await oxo(['up', '--servers'], { env })).code, 0);
  assert.equal((await oxo(['migrate', 'auth'], { env })).code, 0);
  const logs = readdirSync(join(stateDir, 'logs'));
  assert(logs.includes('migrate-auth.log'));
  for (const name of logs) assert.equal(statSync(join(stateDir, 'logs', name)).mode & 0o777, 0o600, name);
  for (const name of ['supervisor', 'migrate-auth']) {
    const lines = readFileSync(join(stateDir, 'logs', `${name}.log`), 'utf8')
      .trim()
      .split('\n');
    for (const line of lines) {
      const { time, level, service, msg } = JSON.parse(line) as Record<string, unknown>;
      assert.ok(
        [time, level, service, msg].every((value) => typeof value === 'string'),
        line,
      );
    }
    assert.match((await oxo(['logs', name], { env })).out, name === 'supervisor' ? /the stack runs/ : /up \d{8}-/);
  }
});

test('packages that are shared by a symbolic link are not emptied', async () => {
  const folder = temporaryFolder();
  const copy = join(folder, 'copy');
  const shared = join(folder, 'shared');
  mkdirSync(shared);
  writeFileSync(join(shared, 'precious'), '');
  for (const name of ['oxo', 'package.json', 'package-lock.json', 'mesh/local']) {
    cpSync(join(repositoryRoot, name), join(copy, name), { recursive: true });
  }
  symlinkSync(shared, join(copy, 'node_modules'));
  requireOneError(await oxo(['up', '--help'], { program: join(copy, 'oxo') }), /symbolic link/);
  assert.deepEqual(readdirSync(shared), ['precious']);
});
