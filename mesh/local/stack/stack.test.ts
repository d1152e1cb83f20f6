import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '#kit/testing/until.ts';
import { CliError } from '../cli/cli-error.ts';
import { findFreePortBase, loopback } from '../ports.ts';
import type { ServiceDefinition } from '../services.ts';
import { isAlive } from '../supervisor/proc.ts';
import { readState } from '../supervisor/state.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import type { StackOptions } from './plan.ts';
import { type Stack, StackIsRunningError, startStack } from './stack.ts';

const standIn = (name: string, slot: number): ServiceDefinition => ({
  name,
  schema: `${name}s`,
  slot,
  main: 'mesh/local/testing/stand-in.ts',
  migrate: undefined,
  publishes: [],
});

const pair = [standIn('first', 0), standIn('second', 1)];

async function optionsOf(): Promise<StackOptions> {
  const portBase = await findFreePortBase();
  return { stateDir: temporaryFolder(), portBase, services: pair, gateway: false };
}

async function start(t: TestContext, options: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  t.after(stack.stop);
  return stack;
}

test('every process that is killed comes back, and nothing is left after stop', async (t) => {
  const stack = await start(t, await optionsOf());
  const names = stack.processes().map((snapshot) => snapshot.name);
  assert.deepEqual(names.toSorted(), ['first', 'nats', 'postgres', 'redis', 'redis-limits', 'second']);
  for (const name of names) {
    const process = stack.process(name);
    const pid = process.pid();
    assert(pid !== undefined);
    process.kill('SIGKILL');
    await process.replaced(pid);
    assert.equal(process.snapshot().restarts, 1, name);
  }
  const identities = stack.processes().flatMap(({ identity }) => (identity === undefined ? [] : [identity]));
  assert.equal(identities.length, names.length);
  await stack.stop();
  assert.deepEqual(identities.filter(isAlive), []);
});

test('every process that is frozen is replaced', async (t) => {
  const liveness = { intervalMs: 200, timeoutMs: 1_000, failures: 1_000, stoppedFailures: 2 };
  const stack = await start(t, { ...(await optionsOf()), liveness });
  for (const { name } of stack.processes()) {
    const process = stack.process(name);
    const pid = process.pid();
    assert(pid !== undefined);
    process.kill('SIGSTOP');
    await process.replaced(pid);
    assert.match(process.snapshot().lastExit ?? '', /did not answer/, name);
  }
});

test('a second stack in the same folder is refused and disturbs nobody', async (t) => {
  const options = await optionsOf();
  const [first, second] = await Promise.allSettled([startStack(options), startStack(options)]);
  const started = [first, second].flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  for (const stack of started) t.after(stack.stop);
  const refused = [first, second].flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  assert.equal(started.length, 1);
  assert(refused[0] instanceof StackIsRunningError);
  assert(started[0]?.processes().every(({ state }) => state === 'ready'));
});

test('a service that does not start is named with its log, and nothing is left running', async () => {
  const options = await optionsOf();
  const broken = { ...standIn('broken', 2), main: 'mesh/local/testing/no-such-file.ts' };
  await assert.rejects(startStack({ ...options, services: [...pair, broken] }), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /broken is not ready/);
    assert.match(error.advice.join('\n'), /no-such-file/);
    return true;
  });
  const state = readState(options.stateDir);
  assert.equal(state?.phase, 'failed');
  assert.deepEqual(
    state.processes.filter(({ identity }) => identity !== undefined && isAlive(identity)),
    [],
  );
});

test('a start can be given up in the middle', async () => {
  const options = await optionsOf();
  const request = new AbortController();
  const onStep = (step: { name: string; state: string }): void => {
    if (step.name === 'postgres' && step.state === 'running') request.abort();
  };
  await assert.rejects(startStack({ ...options, onStep }, request.signal));
  const left = readState(options.stateDir)?.processes.filter(({ identity }) => identity && isAlive(identity));
  assert.deepEqual(left, []);
});

test('a server of one’s own that does not answer is named, and keeps nobody from giving up', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, loopback);
  await once(silent, 'listening');
  t.after(() => silent.close());
  const own = { redisUrl: `redis://a:b@${loopback}:${(silent.address() as AddressInfo).port}` };
  const options = { ...(await optionsOf()), own, serversOnly: true };
  const request = new AbortController();
  const onStep = (step: { name: string }): void => {
    if (step.name === 'redis users') request.abort(new Error('given up'));
  };
  await assert.rejects(startStack({ ...options, onStep }, request.signal), /given up/);
  await assert.rejects(startStack(options), /set up in Redis/);
});

test('a stack uses the servers that are there already', async (t) => {
  const owner = await start(t, { ...(await optionsOf()), serversOnly: true });
  const { database, redis, nats } = owner.urls;
  const own = { databaseUrl: database, redisUrl: redis, natsUrl: nats };
  const notes = new Map<string, string | undefined>();
  const guest = await start(t, {
    ...(await optionsOf()),
    own,
    onStep: ({ name, note }) => void notes.set(name, note),
  });
  assert.deepEqual(
    guest
      .processes()
      .map(({ name }) => name)
      .toSorted(),
    ['first', 'second'],
  );
  assert.match(notes.get('streams') ?? '', /share its user/);
  assert.equal(new URL(guest.environmentOf('first').REDIS_URL ?? '').host, new URL(redis).host);
});

test('an own server whose user may not do enough is refused in words', async (t) => {
  const owner = await start(t, { ...(await optionsOf()), serversOnly: true });
  const service = owner.environmentOf('first');
  const refusals = [
    { own: { databaseUrl: service.DATABASE_URL }, message: /Postgres/, advice: /CREATEROLE/ },
    { own: { redisUrl: service.REDIS_URL }, message: /Redis/, advice: /ACL SETUSER/ },
    { own: { natsUrl: service.NATS_URL }, message: /NATS/, advice: /streams/ },
  ];
  for (const { own, message, advice } of refusals) {
    await assert.rejects(startStack({ ...(await optionsOf()), own, serversOnly: true }), (error) => {
      assert(error instanceof CliError);
      assert.match(error.message, message);
      assert.match(error.advice.join(' '), advice);
      return true;
    });
  }
});

test('readiness is the service’s own word', async (t) => {
  const stack = await start(t, await optionsOf());
  const url = `${stack.urls.operations.first}/readyz`;
  assert.equal(new URL(url).hostname, loopback);
  await until('ready', async () => (await fetch(url)).status === 200);
});
