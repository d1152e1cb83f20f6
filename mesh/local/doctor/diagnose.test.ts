/** A stack of servers without services, whole and broken; a whole stack is looked at end to end. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import pg from 'pg';
import { findFreePortBase } from '../ports.ts';
import { connectOnce } from '../servers/nats.ts';
import { setUpStreams } from '../servers/streams.ts';
import { services } from '../services.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { oxo } from '../testing/command.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { diagnose } from './diagnose.ts';
import { examine, type Finding, ok } from './examination.ts';

let stack: Stack;
const stateDir = temporaryFolder();
const env: NodeJS.ProcessEnv = { OXO_STATE_DIR: stateDir };

before(async () => {
  // What a test freezes must stay so until it goes on.
  const liveness = { intervalMs: 600_000, timeoutMs: 5_000, failures: 3 };
  stack = await startStack({ stateDir, portBase: await findFreePortBase(), serversOnly: true, liveness });
});
after(async () => {
  await stack.stop();
});

function one(findings: readonly Finding[], area: Finding['area'], name: string): Finding {
  const found = findings.find((finding) => finding.area === area && finding.name === name);
  assert(found !== undefined, `${area} ${name} is not in ${JSON.stringify(findings, null, 1)}`);
  return found;
}

async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

function requireNextSteps(findings: readonly Finding[]): void {
  for (const { verdict, name, next } of findings) assert.ok(verdict === 'ok' || next, `${name} has no next step`);
}

test('where nothing was started it says so, asks no server and makes nothing', async () => {
  const nowhere = join(temporaryFolder(), 'state');
  const findings = await diagnose({ OXO_STATE_DIR: nowhere });
  assert.deepEqual([one(findings, 'state folder', 'supervisor').verdict], ['warn']);
  assert.deepEqual(new Set(findings.map(({ area }) => area)), new Set(['machine', 'state folder']));
  assert.equal(existsSync(nowhere), false);
});

test('servers that run are ok; what is missing without services has its next step', async () => {
  const findings = await diagnose(env);
  requireNextSteps(findings);
  for (const name of ['postgres', 'redis', 'nats']) assert.equal(one(findings, 'processes', name).verdict, 'ok');
  assert.equal(one(findings, 'machine', 'ports').verdict, 'ok');
  assert.equal(one(findings, 'state folder', 'permissions').verdict, 'ok');
  assert.match(one(findings, 'Postgres', 'migrations of post').next ?? '', /oxo migrate post/);
  for (const name of ['stream EVENTS', 'stream REVOCATIONS', 'dead letters', 'consumer feed-fanout']) {
    assert.equal(one(findings, 'NATS', name).verdict, 'ok', name);
  }
});

test('streams and consumers that are not as defined are named, with the command that mends them', async () => {
  const connection = await connectOnce(stack.urls.nats);
  const manager = await jetstreamManager(connection);
  await manager.consumers.delete('EVENTS', 'feed-fanout');
  await manager.streams.update('REVOCATIONS', { max_age: 60_000_000_000, duplicate_window: 60_000_000_000 });
  const broken = await diagnose(env);
  for (const name of ['consumer feed-fanout', 'stream REVOCATIONS']) {
    const { verdict, next } = one(broken, 'NATS', name);
    assert.deepEqual([verdict, next], ['fail', './oxo migrate'], name);
  }
  await connection.close();
  await setUpStreams(stack.urls.nats, services);
  assert.equal(one(await diagnose(env), 'NATS', 'consumer feed-fanout').verdict, 'ok');
});

test('what a service made of its own tables runs with its rights, for status and doctor alike', async () => {
  const url = (name: string): string => stack.urls.databases[name] ?? '';
  const spy = (schema: string): string => `CREATE TABLE spied (who text, admin boolean);
    CREATE FUNCTION spy() RETURNS int LANGUAGE sql VOLATILE AS $$
      INSERT INTO ${schema}.spied SELECT session_user, rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user RETURNING 1 $$;
    CREATE VIEW outbox AS SELECT ${schema}.spy() AS id, now() AS created_at;
    CREATE VIEW migrations AS SELECT 'spied' || ${schema}.spy() AS name`;
  const seenBy = async (name: string): Promise<unknown[]> => {
    const { rows } = await query(
      url(name),
      'SELECT who, bool_or(admin) AS admin, count(*)::int FROM spied GROUP BY who',
    );
    return rows;
  };
  await query(url('post'), spy('posts'));
  await query(url('auth'), spy('auth'));
  await query(
    url('auth'),
    `CREATE VIEW signing_keys AS SELECT 'CURRENT' AS state, auth.spy()::bigint AS activated_at_ms`,
  );
  const status = await oxo(['status'], { env: { OXO_STATE_DIR: stateDir } });
  assert.match(status.out, /posts +1 /);
  await diagnose(env);
  assert.deepEqual(await seenBy('post'), [{ who: 'oxo_post', admin: false, count: 3 }]);
  assert.deepEqual(await seenBy('auth'), [{ who: 'oxo_auth', admin: false, count: 5 }]);
  for (const name of ['post', 'auth']) await query(url(name), 'DROP VIEW outbox, migrations; DROP TABLE spied CASCADE');
  await query(url('auth'), 'DROP VIEW signing_keys');
  for (const name of ['post', 'auth']) await query(url(name), 'DROP FUNCTION spy');
});

test('open files are failures, and so is a port that somebody else holds', async () => {
  const path = join(stateDir, 'secrets.json');
  chmodSync(path, 0o644);
  const { verdict, message, next } = one(await diagnose(env), 'state folder', 'permissions');
  chmodSync(path, 0o600);
  assert.equal(verdict, 'fail');
  assert.match(`${message} ${next}`, /secrets\.json is open to others \(mode 644\) chmod go=/);

  const other = temporaryFolder();
  mkdirSync(join(other, 'run'));
  writeFileSync(join(other, 'secrets.json'), await oneSecretsFile(), { mode: 0o600 });
  const base = String(new URL(stack.urls.frontDoor).port);
  const ports = (await diagnose({ OXO_STATE_DIR: other, OXO_PORT_BASE: base })).filter(({ name }) => name === 'ports');
  assert.equal(ports.length, 7);
  for (const found of ports)
    assert.match(found.message, new RegExp(`is held by process \\d+ .* of the stack in ${stateDir}`));
});

async function oneSecretsFile(): Promise<string> {
  const { loadSecrets } = await import('../secrets.ts');
  return JSON.stringify(
    loadSecrets(
      temporaryFolder(),
      services.map(({ name }) => name),
    ),
  );
}

test('wrong settings, damaged secrets and a damaged state are findings', async () => {
  const [settings] = await diagnose({ OXO_PORT_BASE: 'x' });
  assert.deepEqual([settings?.area, settings?.verdict], ['settings', 'fail']);
  assert.match(settings?.next ?? '', /OXO_PORT_BASE/);
  const damaged = temporaryFolder();
  mkdirSync(join(damaged, 'run'));
  writeFileSync(join(damaged, 'run/state.json'), '{', { mode: 0o600 });
  writeFileSync(join(damaged, 'secrets.json'), '{', { mode: 0o600 });
  const findings = await diagnose({ OXO_STATE_DIR: damaged });
  assert.match(one(findings, 'state folder', 'supervisor').message, /state\.json is damaged/);
  assert.match(one(findings, 'settings', 'secrets').message, /secrets\.json is damaged/);
});

test('what is frozen is a failure, and the command ends all the same', async () => {
  const pids = stack.processes().map(({ identity }) => identity?.pid ?? 0);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    const { code, out } = await oxo(['doctor', '--json'], { env: { OXO_STATE_DIR: stateDir } });
    assert.equal(code, 1);
    const { ok: isOk, findings } = JSON.parse(out) as { ok: boolean; findings: Finding[] };
    assert.equal(isOk, false);
    requireNextSteps(findings);
    for (const name of ['postgres', 'redis', 'nats']) assert.match(one(findings, 'processes', name).message, /frozen/);
    for (const area of ['Postgres', 'Redis', 'NATS'] as const)
      assert.equal(one(findings, area, 'server').verdict, 'fail');
    const secrets = stack.secrets.admin;
    for (const secret of Object.values(secrets)) assert.ok(!out.includes(secret), 'a password is shown');
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
});

test('a look that takes too long, or fails, is a finding with its next step', async () => {
  const probe = { area: 'machine', next: 'look yourself' } as const;
  const findings = await examine(
    [
      { ...probe, name: 'slow', look: () => new Promise(() => {}) },
      { ...probe, name: 'broken', look: () => Promise.reject(new Error('no such thing')) },
      { ...probe, name: 'well', look: () => [ok('well')] },
    ],
    50,
  );
  assert.deepEqual(
    findings.map(({ name, verdict, next }) => [name, verdict, next]),
    [
      ['slow', 'fail', 'look yourself'],
      ['broken', 'fail', 'look yourself'],
      ['well', 'ok', undefined],
    ],
  );
});
