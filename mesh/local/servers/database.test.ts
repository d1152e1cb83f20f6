import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { CliError } from '../cli/cli-error.ts';
import type { ServiceDefinition } from '../services.ts';
import { readOutboxes } from '../stack/health.ts';
import { setUpDatabase, urlOf } from './database.ts';

const service: ServiceDefinition = {
  name: 'own_server_probe',
  schema: 'own_server_probes',
  slot: 0,
  main: '',
  migrate: undefined,
  publishes: [],
};
const role = 'oxo_own_server_probe';
const serverUrl = process.env.TEST_DATABASE_URL ?? '';
/** Users of a server that is one's own. */
const urls = {
  creator: Object.assign(new URL(serverUrl), { username: 'probe_creator', password: 'probe' }).href,
  nobody: Object.assign(new URL(serverUrl), { username: 'probe_nobody', password: 'probe' }).href,
};

async function run(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

before(async () => {
  await run(
    serverUrl,
    `CREATE ROLE probe_creator LOGIN CREATEDB CREATEROLE PASSWORD 'probe'`,
    `CREATE ROLE probe_nobody LOGIN PASSWORD 'probe'`,
  );
});

after(async () => {
  const roles = [role, `${role}_2`, 'probe_creator', 'probe_nobody'].map((name) => `DROP ROLE IF EXISTS ${name}`);
  await run(serverUrl, 'DROP DATABASE IF EXISTS oxo WITH (FORCE)', ...roles);
});

test('a user who may do neither is told what is needed', async () => {
  await assert.rejects(setUpDatabase(urls.nobody, [service], new Map(), false), (error) => {
    assert(error instanceof CliError);
    assert.match(error.advice.join(' '), /CREATEDB and CREATEROLE/);
    return true;
  });
});

test('a user with CREATEDB and CREATEROLE suffices, again', async () => {
  const passwords = new Map([[service.name, 'secret']]);
  for (let time = 0; time < 2; time += 1) await setUpDatabase(urls.creator, [service], passwords, false);
  await run(
    urlOf(urls.creator, { name: role, password: 'secret' }),
    'CREATE TABLE outbox (id int, created_at timestamptz)',
  );
  const own = { [service.name]: urlOf(urls.creator, { name: role, password: 'secret' }) };
  const [outbox] = await readOutboxes(own, [service]);
  assert.deepEqual(outbox, { schema: service.schema, waiting: 0, oldestSeconds: 0 });
});

test('the two users of a service take turns: what the second makes belongs to the owner, whose turn is over is cut off', async () => {
  const [first, second] = [service.name, `${service.name}_2`];
  const url = (user: string) => urlOf(urls.creator, { name: `oxo_${user}`, password: `secret of ${user}` });
  const setUp = (...users: string[]) =>
    setUpDatabase(urls.creator, [service], new Map(users.map((user) => [user, `secret of ${user}`])), false);
  await setUp(first, second);
  const connected = new pg.Client(url(first));
  const cutOff = new Promise((resolve) => connected.on('error', resolve));
  await connected.connect();
  await run(url(second), 'CREATE TABLE of_second (id int)');
  await connected.query('DROP TABLE of_second');
  await setUp(second);
  await cutOff;
  await assert.rejects(run(url(first), 'SELECT 1'), /not permitted to log in|password authentication failed/);
  await run(url(second), 'CREATE TABLE of_second (id int)', 'RESET ROLE', 'DROP TABLE of_second');
  await setUp(first);
  await run(url(first), 'SELECT 1');
  await assert.rejects(run(url(second), 'SELECT 1'), /not permitted to log in|password authentication failed/);
});

test('what a user has set for itself is gone after the next set-up', async () => {
  const setUp = () => setUpDatabase(urls.creator, [service], new Map([[service.name, 'secret']]), false);
  await setUp();
  const url = urlOf(urls.creator, { name: role, password: 'secret' });
  await run(url, `ALTER ROLE ${role} SET statement_timeout = '1ms'`);
  await setUp();
  await run(url, 'SELECT pg_sleep(0.01)', 'CREATE TABLE in_own_schema (id int)', 'DROP TABLE in_own_schema');
});

test('several starts at once make the same, whatever lock a service holds', async () => {
  await setUpDatabase(urls.creator, [service], new Map([[service.name, 'secret']]), false);
  const breached = new pg.Client(urlOf(urls.creator, { name: role, password: 'secret' }));
  await breached.connect();
  try {
    await breached.query(`SELECT pg_advisory_lock(hashtext('oxo set-up'))`);
    const starts = Array.from({ length: 5 }, () =>
      setUpDatabase(urls.creator, [service], new Map([[service.name, 'other']]), false),
    );
    await Promise.all(starts);
  } finally {
    await breached.end();
  }
  await run(urlOf(urls.creator, { name: role, password: 'other' }), 'SELECT 1');
});

test('a service that holds what is to be set up is thrown out; a session of somebody else is named', async () => {
  await setUpDatabase(urls.creator, [service], new Map([[service.name, 'secret']]), false);
  const begin = 'BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0';
  const change = `ALTER ROLE ${role} SET search_path = ${service.schema}`;
  const breached = new pg.Client(urlOf(urls.creator, { name: role, password: 'secret' }));
  breached.on('error', () => {});
  await breached.connect();
  await breached.query(`${begin}; ${change}`);
  await setUpDatabase(urls.creator, [service], new Map([[service.name, 'secret']]), false);
  await assert.rejects(breached.query('SELECT 1'));
  const stranger = new pg.Client({ connectionString: serverUrl, application_name: 'a stranger' });
  await stranger.connect();
  try {
    await stranger.query(`${begin}; ${change}`);
    await assert.rejects(
      setUpDatabase(urls.creator, [service], new Map([[service.name, 'secret']]), false),
      (error) => {
        assert(error instanceof CliError);
        assert.match(error.advice.join(' '), /pid \d+ of .*a stranger.*pg_terminate_backend/);
        return true;
      },
    );
  } finally {
    await stranger.end();
  }
});

test('a server that is away is named without its password', async () => {
  const url = 'postgres://somebody:hidden@127.0.0.1:1/postgres';
  await assert.rejects(setUpDatabase(url, [service], new Map(), false), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /ECONNREFUSED 127\.0\.0\.1:1/);
    assert.doesNotMatch(`${error.message} ${error.advice.join(' ')}`, /hidden/);
    return true;
  });
});
