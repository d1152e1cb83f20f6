import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '#kit/testing/until.ts';
import { CliError } from '../cli/cli-error.ts';
import { findFreePortBase } from '../ports.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { answers } from './liveness.ts';
import { identify, isAlive } from './proc.ts';
import { type ProcessSnapshot, type ProcessSpec, supervise } from './process.ts';

const backoff = { firstMs: 20, maxMs: 80, resetAfterMs: 60_000 };
/** Longer than any machine takes to start a program of one line. */
const readyTimeoutMs = 60_000;
const forever = 'setInterval(() => {}, 1000);';

/** A program of one line of JavaScript, ready when it has written the file `ready`, its last deed. */
function specOf(script: string, changes: Partial<ProcessSpec> = {}): ProcessSpec {
  const cwd = temporaryFolder();
  return {
    name: 'probe',
    command: process.execPath,
    args: ['-e', `${script}; require('fs').writeFileSync('ready', '');`],
    env: {},
    cwd,
    logPath: join(cwd, 'probe.log'),
    probe: async () => existsSync(join(cwd, 'ready')),
    readyTimeoutMs,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5_000,
    ...changes,
  };
}

test('what dies is started again, and says how it died', async (t) => {
  const supervised = supervise(specOf(forever), undefined, backoff);
  t.after(supervised.stop);
  await supervised.ready();
  const before = supervised.snapshot().identity?.pid;
  supervised.kill('SIGKILL');
  await until('another process', () => {
    const { identity, state } = supervised.snapshot();
    return state === 'ready' && identity !== undefined && identity.pid !== before;
  });
  assert.equal(supervised.snapshot().restarts, 1);
  assert.equal(supervised.snapshot().lastExit, 'SIGKILL');
});

/** Milliseconds between each death and the next start. */
function waits(changes: readonly { atMs: number; snapshot: ProcessSnapshot }[]): number[] {
  const deaths = changes.filter(({ snapshot }) => snapshot.state === 'backing-off');
  return deaths.flatMap(({ atMs, snapshot }) => {
    const next = changes.find((later) => later.snapshot.restarts === snapshot.restarts + 1);
    return next === undefined ? [] : [next.atMs - atMs];
  });
}

test('what another supervisor has left running is taken over, and started again when it dies', async (t) => {
  const spec = specOf(forever);
  const left = spawn(spec.command, spec.args, { cwd: spec.cwd, stdio: 'ignore' });
  const identity = identify(left.pid ?? 0);
  assert(identity !== undefined);
  const running = { name: 'probe', state: 'ready', identity, restarts: 3, since: 'then', lastExit: 'SIGTERM' } as const;
  const supervised = supervise(spec, undefined, backoff, undefined, running);
  t.after(supervised.stop);
  assert.deepEqual(supervised.snapshot(), running);
  supervised.kill('SIGKILL');
  await until('another process', () => {
    const { identity: present, state } = supervised.snapshot();
    return state === 'ready' && present !== undefined && present.pid !== identity.pid;
  });
  assert.equal(supervised.snapshot().restarts, 4);
});

test('what was taken over is stopped like any other', async () => {
  const spec = specOf(forever);
  const left = spawn(spec.command, spec.args, { cwd: spec.cwd, stdio: 'ignore' });
  const identity = identify(left.pid ?? 0);
  assert(identity !== undefined);
  const running = {
    name: 'probe',
    state: 'starting',
    identity,
    restarts: 0,
    since: 'then',
    lastExit: undefined,
  } as const;
  const supervised = supervise(spec, undefined, backoff, undefined, running);
  await supervised.ready();
  await supervised.stop();
  assert.equal(supervised.snapshot().state, 'stopped');
  assert(!isAlive(identity));
});

test('the waiting time doubles up to its bound', async (t) => {
  const changes: { atMs: number; snapshot: ProcessSnapshot }[] = [];
  const record = (snapshot: ProcessSnapshot) => changes.push({ atMs: performance.now(), snapshot });
  const supervised = supervise(specOf('process.exit(3)', { probe: async () => false }), record, backoff);
  t.after(supervised.stop);
  await until('nine starts', () => supervised.snapshot().restarts >= 8, readyTimeoutMs);
  const [first = 0, second = 0, third = 0] = waits(changes);
  const tolerance = 2;
  assert(first >= 20 - tolerance && second >= 40 - tolerance && third >= 80 - tolerance, String(waits(changes)));
  // Without the bound, the eighth would be 2,560.
  assert((waits(changes)[7] ?? Number.POSITIVE_INFINITY) < 2_000, `bounded: ${waits(changes)}`);
  assert.equal(supervised.snapshot().lastExit, 'exit code 3');
});

test('who stayed up long enough begins with the shortest wait again', async (t) => {
  const changes: { atMs: number; snapshot: ProcessSnapshot }[] = [];
  const record = (snapshot: ProcessSnapshot) => changes.push({ atMs: performance.now(), snapshot });
  const patient = { firstMs: 20, maxMs: 60_000, resetAfterMs: 1 };
  const supervised = supervise(specOf('process.exit(0)', { probe: async () => false }), record, patient);
  t.after(supervised.stop);
  // Without the reset, the tenth wait would be ten seconds.
  await until('ten starts', () => supervised.snapshot().restarts >= 10, readyTimeoutMs);
  assert(Math.max(...waits(changes)) < 5_000);
});

test('who keeps dying is given up with the end of its log', async (t) => {
  const spec = specOf(`console.error('no such file'); process.exit(1)`, { probe: async () => false });
  const supervised = supervise(spec, undefined, backoff);
  t.after(supervised.stop);
  await assert.rejects(supervised.ready(), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /exit code 1/);
    assert.match(error.advice.join('\n'), /no such file/);
    return true;
  });
});

test('who runs and does not get ready is given up with what it says against it', async (t) => {
  const reason = async () => 'redis: away';
  const supervised = supervise(specOf(forever, { probe: async () => false, readyTimeoutMs: 1, reason }));
  t.after(supervised.stop);
  await assert.rejects(supervised.ready(), /probe is not ready after \d+ ms: redis: away$/);
});

test('a program that is not there is an exit like any other', async (t) => {
  const supervised = supervise(specOf('', { command: '/nowhere/program' }), undefined, backoff);
  t.after(supervised.stop);
  await until('a death', () => supervised.snapshot().lastExit !== undefined);
  assert.match(supervised.snapshot().lastExit ?? '', /ENOENT/);
});

test('stop is gentle first and kills who does not listen', async () => {
  const deaf = specOf(`process.on('SIGTERM', () => console.log('heard')); ${forever}`, { stopTimeoutMs: 3_000 });
  const supervised = supervise(deaf, undefined, backoff);
  await supervised.ready();
  const { identity } = supervised.snapshot();
  await supervised.stop();
  assert.equal(supervised.snapshot().state, 'stopped');
  assert.equal(supervised.snapshot().lastExit, 'SIGKILL');
  assert(identity !== undefined && !isAlive(identity));
  assert.match(readFileSync(deaf.logPath, 'utf8'), /heard/);
});

test('stop in the middle of a wait starts nothing any more', async () => {
  const slow = { firstMs: 60_000, maxMs: 60_000, resetAfterMs: 60_000 };
  const supervised = supervise(specOf('process.exit(1)', { probe: async () => false }), undefined, slow);
  await until('the wait', () => supervised.snapshot().state === 'backing-off');
  await supervised.stop();
  assert.equal(supervised.snapshot().state, 'stopped');
  assert.equal(supervised.snapshot().restarts, 0);
});

test('who is paused stays away until it is resumed', async (t) => {
  const supervised = supervise(specOf(forever), undefined, backoff);
  t.after(supervised.stop);
  await supervised.ready();
  const before = supervised.snapshot().identity;
  await supervised.pause('SIGKILL');
  assert.equal(supervised.snapshot().state, 'stopped');
  assert(before !== undefined && !isAlive(before));
  await supervised.resume();
  assert.equal(supervised.snapshot().state, 'ready');
  assert.notEqual(supervised.snapshot().identity?.pid, before.pid);
});

test('what is frozen is killed and started again; what answers late in starting is left alone', async (t) => {
  const port = await findFreePortBase();
  const listen = `require('net').createServer((socket) => socket.end('here')).listen(${port}, '127.0.0.1');`;
  const heartbeat = { port, question: '' };
  // Who only says nothing is given long: the machine may be out of breath.
  const quick = { intervalMs: 20, timeoutMs: 500, failures: 60, stoppedFailures: 2 };
  // The file `ready` would still be there after a restart, and silence counts from then on.
  const probe = () => answers(heartbeat, 500);
  const supervised = supervise(specOf(listen, { heartbeat, probe, readyTimeoutMs }), undefined, backoff, quick);
  t.after(supervised.stop);
  await supervised.ready();
  const before = supervised.snapshot().identity?.pid;
  supervised.kill('SIGSTOP');
  await until(
    'another process',
    () => {
      const { identity, state } = supervised.snapshot();
      return state === 'ready' && identity !== undefined && identity.pid !== before;
    },
    readyTimeoutMs,
  );
  assert.equal(supervised.snapshot().restarts, 1);
  assert.match(supervised.snapshot().lastExit ?? '', /did not answer/);

  const late = supervise(
    specOf(forever, { heartbeat: { port: port + 1, question: '' }, probe: async () => false, readyTimeoutMs }),
    undefined,
    backoff,
    { ...quick, intervalMs: 1, failures: 2 },
  );
  t.after(late.stop);
  // By then the other one, which is asked less often, has been found silent again.
  const second = supervised.snapshot().identity?.pid;
  supervised.kill('SIGSTOP');
  await until('a third process', () => supervised.snapshot().identity?.pid !== second, readyTimeoutMs);
  assert.equal(late.snapshot().restarts, 0);
});

test('who is frozen when it is to stop, stops as gently as others', async () => {
  const supervised = supervise(specOf(`process.on('SIGTERM', () => process.exit(7)); ${forever}`), undefined, backoff);
  await supervised.ready();
  supervised.kill('SIGSTOP');
  await supervised.stop();
  assert.equal(supervised.snapshot().lastExit, 'exit code 7');
});
