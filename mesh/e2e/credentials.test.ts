/** The secrets of all services are replaced under people who write and read; also when the command is killed in the middle. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { until } from '#kit/testing/until.ts';
import { askAuth } from '../local/commands/keys/operator.ts';
import { pending, ratelimitUsers } from '../local/credentials/turns.ts';
import { loadSecrets } from '../local/secrets.ts';
import { auditOwnerUrl } from '../local/servers/database.ts';
import { connectOnce } from '../local/servers/nats.ts';
import { withClient } from '../local/servers/postgres-client.ts';
import { services } from '../local/services.ts';
import { repositoryRoot } from '../local/settings.ts';
import { planStack, type StackPlan } from '../local/stack/plan.ts';
import { serviceOf } from '../local/stack/replicas.ts';
import type { StackState } from '../local/supervisor/state.ts';
import { ownStack, oxo } from '../local/testing/command.ts';
import { createApi, refusal } from './testing/client.ts';
import { signUp, type Tokens } from './testing/people.ts';
import { beginLoad } from './upgrade/load.ts';

const replicas = 2;
const people = 6;
const names = services.map(({ name }) => name);

type Urls = { readonly database: string; readonly redis: string; readonly nats: string };

function urlsOf({ context }: StackPlan, name: string): Urls {
  const service = services.find((each) => each.name === name) ?? assert.fail();
  return { database: context.databaseUrl(service), redis: context.redisUrl(service), nats: context.natsUrl(service) };
}

/** On which servers somebody comes in by these. */
async function entered({ database, redis, nats }: Urls): Promise<string[]> {
  const options = { connectionTimeoutMillis: 5_000, application_name: 'oxo-test' };
  const client = new Redis(redis, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  const tries = {
    postgres: () => withClient(database, options, (each) => each.query('SELECT 1')),
    redis: () =>
      client
        .connect()
        .then(() => client.call('ACL', 'WHOAMI'))
        .catch((error) => (/NOPERM/.test(String(error)) ? true : Promise.reject(error))),
    nats: async () => (await connectOnce(nats)).close(),
  };
  const found: string[] = [];
  for (const [name, attempt] of Object.entries(tries)) {
    await attempt().then(
      () => found.push(name),
      () => undefined,
    );
  }
  client.disconnect();
  return found;
}

function comesIn(url: string): Promise<boolean> {
  const options = { connectionTimeoutMillis: 5_000, application_name: 'oxo-test' };
  return withClient(url, options, (client) => client.query('SELECT 1')).then(
    () => true,
    () => false,
  );
}

async function comesInAsRatelimit({ urls, secrets }: StackPlan): Promise<boolean> {
  const [[username = '', password = ''] = []] = ratelimitUsers(secrets);
  const { hostname: host, port } = new URL(urls.limitsRedis);
  const client = new Redis({
    host,
    port: Number(port),
    username,
    password,
    lazyConnect: true,
    retryStrategy: () => null,
  });
  client.on('error', () => {});
  const isIn = await client.connect().then(
    () => true,
    () => false,
  );
  client.disconnect();
  return isIn;
}

function pidsOf({ processes }: StackState, wanted: readonly string[]): Record<string, number | undefined> {
  const found = processes.filter(({ name }) => wanted.includes(serviceOf(name)));
  return Object.fromEntries(found.map(({ name, identity }) => [name, identity?.pid]));
}

const servers = ['postgres', 'redis', 'nats', 'envoy'];

test('all secrets are replaced under people who write and read, and no request is refused', async (t) => {
  const { env, state, stateDir } = await ownStack(t);
  const up = await oxo(['up', '--replicas', String(replicas)], { env });
  assert.equal(up.code, 0, `${up.out}\n${up.err}`);
  const plan = () => planStack({ stateDir, portBase: state().portBase, replicas });
  const load = await beginLoad(plan().urls, people, t.signal);
  t.after(load.stop);
  await load.untilMore(10);
  assert.deepEqual(load.failed(), []);

  await t.test('one call replaces all', async () => {
    const [before, formerPlan] = [state(), plan()];
    const { code, out, err } = await oxo(['credentials', 'rotate'], { env });
    assert.equal(code, 0, `${out}\n${err}`);
    await load.untilMore(10);
    assert.deepEqual(load.failed(), []);
    const [after, presentPlan] = [state(), plan()];
    assert.deepEqual(pidsOf(after, servers), pidsOf(before, servers), 'servers and front door go on');
    const [old, fresh] = [pidsOf(before, names), pidsOf(after, names)];
    for (const name of Object.keys(fresh)) assert.notEqual(fresh[name], old[name], name);
    for (const name of names) {
      assert.deepEqual(await entered(urlsOf(presentPlan, name)), ['postgres', 'redis', 'nats'], name);
      assert.deepEqual(await entered(urlsOf(formerPlan, name)), [], name);
    }
    for (const [of, isIn] of [
      [presentPlan, true],
      [formerPlan, false],
    ] as const) {
      assert.equal(await comesIn(auditOwnerUrl(of.urls.database, of.secrets)), isIn, 'the owner of the audit log');
      assert.equal(await comesInAsRatelimit(of), isIn, 'the rate limiter');
    }
    const { oauthCookies, apiKeyTags } = formerPlan.secrets;
    const { formerOauthCookies, formerApiKeyTags } = presentPlan.secrets;
    assert.deepEqual(
      [formerOauthCookies, formerApiKeyTags].map((all) => all?.map(({ secret }) => secret)),
      [[oauthCookies], [apiKeyTags]],
    );
    await assert.rejects(
      askAuth(formerPlan, 'refused', async () => 0),
      /No service has this client id and secret/,
    );
    assert.equal(await askAuth(presentPlan, 'refused', async () => 0), 0);
    for (const name of ['redis', 'redis-limits'])
      assert.equal(
        statSync(join(stateDir, 'data', name, 'users.acl')).mode & 0o077,
        0,
        `the users of ${name} are closed`,
      );
    requireNoSecret(formerPlan, `${out}${err}`, after);
    requireNoSecret(presentPlan, `${out}${err}`, after);
  });

  await t.test('what a kill cut off is brought to an end by up', async () => {
    const formerPlan = plan();
    const child = spawn(join(repositoryRoot, 'oxo'), ['credentials', 'rotate', '--service', 'feed'], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
      detached: true,
    });
    const ended = once(child, 'exit');
    const supervisor = state().supervisor.pid;
    await until('the first processes are replaced', () => state().supervisor.pid !== supervisor);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
    assert.deepEqual(pending(loadSecrets(stateDir, [])), ['feed']);
    await until('what the supervisor has begun is done', () => state().phase === 'running');
    assert.deepEqual((await entered(urlsOf(formerPlan, 'feed'))).length, 3, 'both count');
    const { code, out, err } = await oxo(['up'], { env });
    assert.equal(code, 0, `${out}\n${err}`);
    assert.deepEqual(pending(loadSecrets(stateDir, [])), []);
    assert.deepEqual(await entered(urlsOf(formerPlan, 'feed')), []);
    assert.equal((await entered(urlsOf(plan(), 'feed'))).length, 3);
    await load.untilMore(10);
    assert.deepEqual(load.failed(), []);
  });

  const { settled, findings } = await load.compare(plan().urls);
  assert.ok(settled, 'all events are through');
  assert.deepEqual(findings.counts(), { lost: 0, doubled: 0, outOfPlace: 0, wrong: 0 }, findings.texts().join('\n'));

  await t.test('--now also refuses every token that was made before, and people refresh theirs', async () => {
    const api = createApi(plan().urls.frontDoor);
    t.after(() => api.close());
    const { accessToken, refreshToken } = await signUp(api);
    const me = (token: string) => ({ path: '/users/me', token });
    assert.equal((await api.call(me(accessToken))).status, 200);
    const former = loadSecrets(stateDir, []).operator;
    const { code, out, err } = await oxo(['credentials', 'rotate', '--service', 'operator', '--now'], { env });
    assert.equal(code, 0, `${out}\n${err}`);
    assert.match(out, /the secrets of operator are new[\s\S]*refused from now on: /);
    assert.notEqual(loadSecrets(stateDir, []).operator, former);
    assert.equal((await refusal(api, me(accessToken))).status, 401);
    const body = { refreshToken };
    const { tokens } = await api.get<{ tokens: Tokens }>({ method: 'POST', path: '/auth/refresh', body });
    assert.equal((await api.call(me(tokens.accessToken))).status, 200);
    // Services too have other tokens by now: one asks another for this.
    await signUp(api);
  });
});

/** Nothing was printed, logged, or stands where others can read it. */
function requireNoSecret({ secrets, logDir }: StackPlan, printed: string, { processes }: StackState): void {
  const logs = [...processes.map(({ name }) => name), 'supervisor'].map((name) =>
    readFileSync(join(logDir, `${name}.log`), 'utf8'),
  );
  const lines = processes.map(({ identity }) => readFileSync(`/proc/${identity?.pid}/cmdline`, 'utf8'));
  const text = [printed, ...logs, ...lines].join('\n');
  const { ratelimit, monitoring, redisMonitoring, prometheus, auditOwner, oauthCookies, apiKeyTags } = secrets;
  for (const secret of [ratelimit, monitoring, redisMonitoring, prometheus, auditOwner, oauthCookies, apiKeyTags])
    assert.ok(!text.includes(secret));
  for (const { database, redis, nats, service } of Object.values(secrets.services)) {
    for (const secret of [database, redis, nats, service]) assert.ok(!text.includes(secret));
  }
}
