/** Whether a stack is observed is changed while it runs: `./oxo up --observability`, and `--no-observability`. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startProcess, type TestProcess } from '#kit/testing/process.ts';
import { until } from '#kit/testing/until.ts';
import { queryAt, readTargets } from '../observability/prometheus-client.ts';
import { findFreePortBase, loopback, serverPorts } from '../ports.ts';
import { loadSecrets } from '../secrets.ts';
import { monitoringRole } from '../servers/monitoring.ts';
import { databaseName } from '../servers/postgres.ts';
import { withClient } from '../servers/postgres-client.ts';
import { services } from '../services.ts';
import { ownCollector, readSettings } from '../settings.ts';
import { findListeners } from '../supervisor/listeners.ts';
import { environmentVariable } from '../supervisor/proc.ts';
import { readState, type StackState } from '../supervisor/state.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { planStack, type StackOptions } from './plan.ts';
import { isObservedOtherwise } from './upgrade.ts';

/** By the names that the front door leads to. */
const standIns = services.map((service) => ({
  ...service,
  ...{ main: 'mesh/local/testing/stand-in.ts', migrate: undefined, publishes: [] },
}));
const looking = ['node-exporter', 'postgres-exporter', 'prometheus', 'redis-exporter', 'telemetry'];
const servers = ['nats', 'postgres', 'redis', 'redis-limits'];

/** A supervisor of the stack, which is ended with the test. @param before whose stack it takes over */
async function supervise(t: TestContext, options: StackOptions, before?: TestProcess): Promise<TestProcess> {
  const args = [join(import.meta.dirname, '../testing/supervisor.ts'), JSON.stringify(options)];
  const supervisor = startProcess({
    command: process.execPath,
    args: before === undefined ? args : [...args, String(before.pid)],
    env: Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ''])),
  });
  t.after(() => supervisor.stop());
  const runs = until(
    'the stack runs',
    () => {
      const state = readState(options.stateDir);
      return state?.phase === 'running' && state.supervisor.pid === supervisor.pid;
    },
    60_000,
  );
  await Promise.race([runs, supervisor.exited.then(() => assert.fail(supervisor.output()))]);
  return supervisor;
}

test('a stack that runs is observed and is not any more, and its servers go on', async (t) => {
  const [stateDir, portBase] = [temporaryFolder(), await findFreePortBase()];
  const options: StackOptions = { stateDir, portBase, services: standIns };
  const state = (): StackState => readState(stateDir) ?? assert.fail('there is no state');
  const pid = (name: string): number | undefined =>
    state().processes.find((process) => process.name === name)?.identity?.pid;
  const collector = (): string | undefined => environmentVariable(pid('post') ?? 0, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const wanted = (observability: boolean) => ({ ...readSettings({ OXO_STATE_DIR: stateDir }), observability });
  const names = standIns.map(({ name }) => name);
  const ports = serverPorts(portBase);
  const observed = [ports.prometheus, ports.telemetry, ports.nodeExporter, ports.postgresExporter, ports.redisExporter];
  const signIn = async (): Promise<unknown> => {
    const url = `postgres://${monitoringRole}:${loadSecrets(stateDir, names).monitoring}@${loopback}:${ports.postgres}/${databaseName}`;
    return withClient(url, { connectionTimeoutMillis: 5_000, application_name: 'test' }, (client) =>
      client.query('SELECT'),
    );
  };

  const first = await supervise(t, options);
  const [kept, former] = [servers.map(pid), pid('post')];
  assert.ok(looking.every((name) => pid(name) === undefined));
  assert.ok(isObservedOtherwise(state(), wanted(true)) && !isObservedOtherwise(state(), wanted(false)));

  const tracing = { otlpEndpoint: ownCollector(portBase), samplingPercent: 100 };
  const second = await supervise(t, { ...options, observability: true, tracing }, first);
  assert.deepEqual(servers.map(pid), kept);
  assert.ok(looking.every((name) => pid(name) !== undefined));
  assert.notEqual(pid('post'), former, 'where its spans go it is told when it starts');
  assert.equal(collector(), tracing.otlpEndpoint);
  assert.ok(!isObservedOtherwise(state(), wanted(true)) && isObservedOtherwise(state(), wanted(false)));
  const prometheus = planStack({ ...options, observability: true }).urls.prometheus ?? '';
  await until('what looks at the servers is asked', async () => {
    const targets = await readTargets(prometheus);
    const up = targets.filter(({ health }) => health === 'up').map(({ labels }) => labels.job);
    return ['gateway', 'nats', 'node', 'postgres', 'redis', 'redis-limits'].every((job) => up.includes(job));
  });
  const value = async (query: string) => (await queryAt(prometheus, query, Date.now() / 1_000))[0]?.points[0]?.[1];
  await until('it sees them', async () => (await value('min(pg_up) + min(redis_up)')) === 2);
  await signIn();

  const third = await supervise(t, options, second);
  assert.deepEqual(servers.map(pid), kept);
  assert.ok(looking.every((name) => pid(name) === undefined));
  assert.equal(findListeners(observed).size, 0);
  assert.equal(collector(), undefined);
  assert.ok(!isObservedOtherwise(state(), wanted(false)));
  await assert.rejects(signIn(), /not permitted to log in|password authentication failed/);
  assert.ok(existsSync(join(stateDir, 'data/prometheus')), 'what was gathered stays');
  assert.equal(await third.stop(), 0, third.output());
  assert.equal(state().phase, 'stopped');
});
