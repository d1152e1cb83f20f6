/** Each service has a user of its own on each server; here they are shown to be refused what is not theirs. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import pg from 'pg';
import { until } from '#kit/testing/until.ts';
import { findFreePortBase } from '../ports.ts';
import { durablesOf, services } from '../services.ts';
import { planStack } from '../stack/plan.ts';
import { refreshUsers } from '../stack/servers.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { bringUpToDate } from '../stack/upgrade.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { monitoringRole } from './monitoring.ts';
import { connectOnce } from './nats.ts';
import { withClient } from './postgres-client.ts';
import { monitoringUser } from './redis-acl.ts';

const stateDir = temporaryFolder();
let stack: Stack;

before(async () => {
  const portBase = await findFreePortBase();
  stack = await startStack({ stateDir, portBase, serversOnly: true, observability: true });
});

after(async () => {
  await stack?.stop();
});

describe('Postgres', () => {
  async function as(service: string, sql: string): Promise<unknown[]> {
    const client = new pg.Client(stack.environmentOf(service).DATABASE_URL);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }
  const denied = { code: '42501' };

  for (const { name, schema } of services) {
    test(`${name} owns its schema and finds it without naming it`, async () => {
      await as(name, 'CREATE TABLE IF NOT EXISTS mine (id int); INSERT INTO mine VALUES (1)');
      assert.deepEqual(await as(name, `SELECT id FROM ${schema}.mine`), [{ id: 1 }]);
    });

    test(`${name} is refused every other schema`, async () => {
      for (const other of services.filter((one) => one.name !== name)) {
        await as(other.name, 'CREATE TABLE IF NOT EXISTS mine (id int)');
        await assert.rejects(as(name, `SELECT * FROM ${other.schema}.mine`), denied);
        await assert.rejects(as(name, `CREATE TABLE ${other.schema}.intruder (id int)`), denied);
        await assert.rejects(as(name, `BEGIN; LOCK TABLE ${other.schema}.mine IN ACCESS SHARE MODE`), denied);
        await assert.rejects(as(name, `SET ROLE oxo_${other.name}`), denied);
      }
      await assert.rejects(as(name, 'CREATE TABLE public.intruder (id int)'), denied);
      await assert.rejects(as(name, 'CREATE SCHEMA intruder'), denied);
      await assert.rejects(as(name, 'CREATE ROLE intruder'), denied);
      await assert.rejects(as(name, `COPY (SELECT 1) TO PROGRAM 'true'`), denied);
    });
  }

  test('the audit log is added to and read by auth, and changed by no service', async () => {
    const columns = `id, action, outcome, actor_kind, actor_id, session_id, key_id, client_id, network, user_agent, request_id, details`;
    const add = (more: string, values: string) =>
      `INSERT INTO audit.log (${columns}${more}) VALUES (gen_random_uuid(), 'SIGN_IN', 'REFUSED', 'NOBODY', '', '', '', '', '', '', '', '{}'${values})`;
    await as('auth', add('', ''));
    assert.equal((await as('auth', 'SELECT id FROM audit.log')).length, 1);
    for (const sql of [
      add(', at_ms', ', 1'),
      `UPDATE audit.log SET outcome = 'SUCCEEDED'`,
      `UPDATE audit.log SET at_ms = 0`,
      'DELETE FROM audit.log',
      'TRUNCATE audit.log',
      'ALTER TABLE audit.log ADD COLUMN mine text',
      'ALTER TABLE audit.log DISABLE TRIGGER ALL',
      'ALTER TABLE audit.log OWNER TO oxo_auth',
      'DROP TABLE audit.log CASCADE',
      'DROP SCHEMA audit CASCADE',
      'CREATE TABLE audit.mine (id int)',
      `CREATE RULE mine AS ON INSERT TO audit.log DO INSTEAD NOTHING`,
      `CREATE INDEX mine ON audit.log (id)`,
      'BEGIN; LOCK TABLE audit.log IN ACCESS EXCLUSIVE MODE',
      'UPDATE audit.retention SET kept_days = 1',
      'SELECT * FROM audit.retention',
      `CREATE OR REPLACE FUNCTION audit.prune() RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
      'SET ROLE oxo_audit',
    ]) {
      await assert.rejects(as('auth', sql), denied, sql);
    }
    // What it may have removed is what is old, and nothing here is.
    assert.deepEqual(await as('auth', 'SELECT audit.prune() AS pruned'), [{ pruned: 0 }]);
    assert.equal((await as('auth', 'SELECT id FROM audit.log')).length, 1);
    for (const { name } of services.filter((service) => service.name !== 'auth')) {
      await assert.rejects(as(name, 'SELECT id FROM audit.log'), denied, name);
      await assert.rejects(as(name, add('', '')), denied, name);
      await assert.rejects(as(name, 'SELECT audit.prune()'), denied, name);
    }
  });

  test('who looks at the server reads its statistics, and no table', async () => {
    const url = new URL(stack.urls.database);
    [url.username, url.password] = [monitoringRole, stack.secrets.monitoring];
    await as('post', 'CREATE TABLE IF NOT EXISTS mine (id int)');
    await withClient(url.href, { connectionTimeoutMillis: 5_000, application_name: 'test' }, async (client) => {
      const { rows } = await client.query(`SELECT size FROM pg_ls_waldir(), pg_stat_activity WHERE usename <> $1`, [
        'me',
      ]);
      assert.ok(rows.length > 0);
      await assert.rejects(client.query('CREATE TEMPORARY TABLE mine (id int)'));
      await client.query('SET default_transaction_read_only = off');
      for (const sql of [
        'SELECT * FROM posts.mine',
        'SELECT * FROM audit.log',
        'CREATE TABLE public.mine (id int)',
        'SET ROLE oxo_post',
        `SELECT pg_read_file('PG_VERSION')`,
        `COPY (SELECT 1) TO PROGRAM 'true'`,
        'SELECT rolpassword FROM pg_authid',
      ])
        await assert.rejects(client.query(sql), denied, sql);
    });
  });

  test('no service may enter another database', async () => {
    for (const database of ['postgres', 'template1']) {
      const url = new URL(stack.environmentOf('auth').DATABASE_URL ?? '');
      url.pathname = `/${database}`;
      const client = new pg.Client(url.href);
      await assert.rejects(client.connect(), denied, database);
    }
  });

  test('no service may take all connections', async () => {
    const clients = Array.from({ length: 31 }, () => new pg.Client(stack.environmentOf('feed').DATABASE_URL));
    for (const client of clients) client.on('error', () => {});
    const results = await Promise.allSettled(clients.map((client) => client.connect()));
    await as('auth', 'SELECT 1');
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    await Promise.allSettled(clients.map((client) => client.end()));
    // Connections that earlier tests have ended may count for a moment longer.
    assert.ok(refused.length > 0);
    assert.deepEqual(new Set(refused), new Set(['53300']));
  });

  test('the safe settings are on', async () => {
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums']) {
      assert.deepEqual(await as('auth', `SHOW ${setting}`), [{ [setting]: 'on' }]);
    }
    assert.deepEqual(await as('auth', 'SHOW password_encryption'), [{ password_encryption: 'scram-sha-256' }]);
  });

  test('a wrong password is refused', async () => {
    const url = new URL(stack.environmentOf('auth').DATABASE_URL ?? '');
    url.password = 'wrong';
    const client = new pg.Client(url.href);
    await assert.rejects(client.connect(), { code: '28P01' });
  });
});

describe('Redis', () => {
  const own: Record<string, string[]> = {
    auth: ['auth'],
    user: ['fver', 'aver', 'profile', 'pulled'],
    post: ['post', 'own', 'recent'],
    feed: ['feed', 'arr'],
  };
  const readable: Record<string, string[]> = {
    auth: [],
    user: [],
    post: ['profile', 'pulled'],
    feed: ['fver', 'aver', 'profile', 'pulled', 'post', 'own', 'recent'],
  };
  const prefixes = Object.values(own).flat();
  const clients = new Map<string, Redis>();
  const as = (service: string): Redis => {
    const client = clients.get(service) ?? new Redis(stack.environmentOf(service).REDIS_URL ?? '');
    clients.set(service, client);
    return client;
  };
  const denied = /NOPERM/;
  after(() => {
    for (const client of clients.values()) client.disconnect();
  });

  for (const { name } of services) {
    test(`${name} writes its own keys only, also by a script`, async () => {
      const redis = as(name);
      const write = `return redis.call('SET', KEYS[1], '1', 'EX', 60)`;
      for (const prefix of prefixes) {
        const key = `${prefix}:e:{1}`;
        if (own[name]?.includes(prefix)) {
          assert.equal(await redis.set(key, '1', 'EX', 60), 'OK');
          assert.equal(await redis.eval(write, 1, key), 'OK');
        } else {
          await assert.rejects(redis.set(key, '1'), denied, `${name} wrote ${key}`);
          await assert.rejects(redis.eval(write, 1, key), denied);
          await assert.rejects(redis.del(key), denied);
        }
      }
    });

    test(`${name} reads only what it needs`, async () => {
      for (const prefix of prefixes) {
        const read = as(name).get(`${prefix}:e:{1}`);
        if (own[name]?.includes(prefix) || readable[name]?.includes(prefix)) await read;
        else await assert.rejects(read, denied, `${name} read ${prefix}`);
      }
    });

    test(`${name} is refused what concerns the whole server`, async () => {
      const commands = ['FLUSHALL', 'FLUSHDB', 'KEYS *', 'SCAN 0', 'RANDOMKEY', 'CONFIG GET *', 'ACL LIST', 'MONITOR'];
      const more = [
        'SCRIPT FLUSH',
        'SCRIPT KILL',
        'FUNCTION LIST',
        'FUNCTION FLUSH',
        'FUNCTION KILL',

        'SWAPDB 0 1',
        'CLIENT LIST',
        'SHUTDOWN',
        'REPLICAOF NO ONE',
      ];
      await assert.rejects(
        as(name).call('FUNCTION', 'LOAD', `#!lua name=intruder\nredis.register_function('f', function() return 1 end)`),
        denied,
      );
      for (const command of [...commands, ...more]) {
        const [verb = '', ...args] = command.split(' ');
        await assert.rejects(as(name).call(verb, ...args), denied, command);
      }
      assert.match(await as(name).info('replication'), /master_replid/);
      assert.equal(await as(name).ping(), 'PONG');
      await assert.rejects(as(name).publish('anything', 'x'), denied);
    });
  }

  test('nobody gets in without a user, and nothing is kept on disk', async () => {
    const url = new URL(stack.urls.redis);
    const nobody = new Redis({
      host: url.hostname,
      port: Number(url.port),
      retryStrategy: () => null,
      lazyConnect: true,
    });
    nobody.on('error', () => {});
    await nobody.connect().catch(() => {});
    await assert.rejects(nobody.get('feed:e:{1}'), /NOAUTH|closed/);
    nobody.disconnect();
    const admin = new Redis(stack.urls.redis);
    assert.deepEqual(await admin.config('GET', 'save'), ['save', '']);
    assert.deepEqual(await admin.config('GET', 'appendonly'), ['appendonly', 'no']);
    assert.deepEqual(await admin.config('GET', 'maxmemory-policy'), ['maxmemory-policy', 'volatile-lru']);
    admin.disconnect();
  });
});

test('who looks at both Redis reads statistics, and no key', async () => {
  for (const url of [stack.urls.redis, stack.urls.limitsRedis]) {
    const { hostname: host, port } = new URL(url);
    const options = { lazyConnect: true, enableReadyCheck: false, retryStrategy: () => null };
    const user = { username: monitoringUser, password: stack.secrets.redisMonitoring };
    const client = new Redis({ ...options, ...user, host, port: Number(port) });
    client.on('error', () => {});
    try {
      assert.match(await client.info('stats'), /evicted_keys/);
      await assert.rejects(client.call('AUTH', monitoringUser, stack.secrets.monitoring), /WRONGPASS/);
      for (const [command = '', ...args] of [
        ...[['get', 'post:1'], ['set', 'post:1', 'x'], ['keys', '*'], ['scan', '0'], ['randomkey'], ['flushall']],
        ...[
          ['slowlog', 'get'],
          ['monitor'],
          ['config', 'get', '*'],
          ['client', 'list'],
          ['acl', 'list'],
          ['eval', '', '0'],
        ],
      ])
        await assert.rejects(client.call(command, ...args), /NOPERM/, command);
    } finally {
      client.disconnect();
    }
  }
});

describe('the Redis of the limits', () => {
  function as(user: string, password: string): Redis {
    const { hostname: host, port } = new URL(stack.urls.limitsRedis);
    const options = { lazyConnect: true, enableReadyCheck: false, retryStrategy: () => null };
    const client = new Redis({ ...options, host, port: Number(port), username: user, password });
    client.on('error', () => {});
    return client;
  }
  const passwordOf = (service: string) => stack.secrets.services[service]?.redis ?? '';

  test('auth counts attempts, the rate limit service calls, and neither reads what the other counts', async () => {
    const [auth, ratelimit] = [as('auth', passwordOf('auth')), as('ratelimit', stack.secrets.ratelimit)];
    try {
      assert.equal(await auth.incr('auth:e:{1}'), 1);
      assert.equal(await ratelimit.incrby('limits:1', 3), 3);
      assert.equal(await ratelimit.expire('limits:1', 60), 1);
      await assert.rejects(auth.get('limits:1'), /NOPERM/);
      await assert.rejects(ratelimit.get('auth:e:{1}'), /NOPERM/);
      for (const [command, ...args] of [
        ['keys', '*'],
        ['flushall'],
        ['config', 'get', '*'],
        ['set', 'limits:1', '0'],
        ['del', 'limits:1'],
      ])
        await assert.rejects(ratelimit.call(command ?? '', ...args), /NOPERM/, command);
    } finally {
      auth.disconnect();
      ratelimit.disconnect();
    }
  });

  test('nobody else comes in, and when it is full what ends soonest goes first', async () => {
    for (const name of ['user', 'post', 'feed'])
      await assert.rejects(as(name, passwordOf(name)).ping(), /WRONGPASS|closed/, name);
    const admin = new Redis(stack.urls.limitsRedis);
    assert.deepEqual(await admin.config('GET', 'maxmemory-policy'), ['maxmemory-policy', 'volatile-ttl']);
    assert.deepEqual(await admin.config('GET', 'save'), ['save', '']);
    admin.disconnect();
  });
});

describe('NATS', () => {
  const subjects: Record<string, string[]> = {
    auth: ['session.revoked', 'account.disabled'],
    user: ['user.followed'],
    post: ['post.created', 'like.created'],
    feed: [],
  };
  const everySubject = [...Object.values(subjects).flat(), 'media.ready', 'replay.feed-fanout.post.created'];
  const streamNames = ['EVENTS', 'REVOCATIONS', 'DEAD_LETTERS'];
  const mayPublish = (own: readonly string[], subject: string) =>
    own.some((pattern) => pattern === subject || (pattern.endsWith('.>') && subject.startsWith(pattern.slice(0, -1))));
  const connections = new Map<string, NatsConnection>();
  after(async () => {
    for (const connection of connections.values()) await connection.close();
  });

  async function as(service: string): Promise<NatsConnection> {
    const known = connections.get(service);
    if (known !== undefined) return known;
    const { host, username, password } = new URL(stack.environmentOf(service).NATS_URL ?? '');
    const connection = await connect({
      servers: host,
      user: username,
      pass: password,
      inboxPrefix: `_INBOX_${service}`,
      reconnect: false,
    });
    connections.set(service, connection);
    return connection;
  }
  // A refused publish has no answer: the request for its acknowledgement is what fails.
  const denied = /permissions violation|authorization|timeout/i;

  for (const { name } of services) {
    test(`${name} publishes its own subjects only`, async () => {
      const js = jetstream(await as(name), { timeout: 2_000 });
      for (const subject of everySubject) {
        const published = js.publish(subject, 'x', { timeout: 1_000 });
        if (subjects[name]?.includes(subject)) assert.equal((await published).duplicate, false);
        else await assert.rejects(published, denied, `${name} published ${subject}`);
      }
    });

    test(`${name} makes no streams and no consumers, and reads nobody else's`, async () => {
      const connection = await as(name);
      const requests = [
        '$JS.API.STREAM.CREATE.INTRUDER',
        '$JS.API.STREAM.DELETE.EVENTS',
        '$JS.API.STREAM.PURGE.EVENTS',
        `$JS.API.CONSUMER.CREATE.EVENTS.${name}-intruder`,
        `$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.${name}-intruder`,
        '$JS.API.STREAM.MSG.GET.EVENTS',
      ];
      for (const other of services.filter((one) => one.name !== name)) {
        for (const durable of await durablesOf(other)) {
          requests.push(`$JS.API.CONSUMER.MSG.NEXT.EVENTS.${durable.name}`);
          requests.push(`$JS.API.CONSUMER.DELETE.EVENTS.${durable.name}`);
        }
      }
      for (const subject of requests) {
        await assert.rejects(connection.request(subject, '{}', { timeout: 1_000 }), denied, subject);
      }
      const spied: unknown[] = [];
      const subscription = connection.subscribe('post.>', { callback: (error) => void spied.push(error) });
      await connection.flush();
      assert.match(String(spied[0] ?? (await subscription.closed)), denied);
    });

    test(`${name} finds the consumers that it declares`, async () => {
      const manager = await jetstreamManager(await as(name), { checkAPI: false, timeout: 2_000 });
      const service = services.find((one) => one.name === name);
      assert(service !== undefined);
      for (const durable of await durablesOf(service)) {
        assert.equal((await manager.consumers.info(durable.stream, durable.name)).name, durable.name);
      }
    });
  }

  for (const { name } of services) {
    test(`${name} has no answer sent to where it may not publish`, async () => {
      const service = services.find((one) => one.name === name);
      assert(service !== undefined);
      const durables = await durablesOf(service);
      const admin = await connectOnce(stack.urls.nats);
      try {
        const manager = await jetstreamManager(admin);
        const look = async () => {
          const streams = await Promise.all(streamNames.map((stream) => manager.streams.info(stream)));
          const consumers = await manager.consumers.list('EVENTS').next();
          return [...streams.map(({ created, state }) => [created, state.messages]), consumers.map((one) => one.name)];
        };
        await jetstream(admin).publish('user.followed', 'x');
        await jetstream(admin).publish('session.revoked', 'x');
        const before = await look();
        const asked: [string, string][] = [
          ['$JS.API.DIRECT.GET.REVOCATIONS', '{"seq":999999}'],
          ['$JS.API.DIRECT.GET.REVOCATIONS', '{"seq":1}'],
          ['$JS.API.STREAM.INFO.REVOCATIONS', ''],
          ...durables.flatMap(({ stream, name: consumer }): [string, string][] => [
            [`$JS.API.CONSUMER.INFO.${stream}.${consumer}`, ''],
            [`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, '{"batch":1,"no_wait":true}'],
            [`$JS.ACK.${stream}.${consumer}.1.1.1.1.0`, '+ACK'],
          ]),
        ];
        const connection = await as(name);
        const foreign = ['user.deleted', 'post.created', 'mail.queued', 'session.revoked', 'account.disabled'];
        const targets = [
          '$JS.API.CONSUMER.DELETE.EVENTS.auth-mail',
          '$JS.API.STREAM.PURGE.REVOCATIONS',
          '$JS.API.STREAM.PURGE.EVENTS',
          ...foreign.filter((subject) => !mayPublish(service.publishes, subject)),
          'replay.feed-fanout.post.created',
          'broadcast.REVOCATIONS.session.revoked',
          '$JS.API.STREAM.DELETE.DEAD_LETTERS',
          '$JS.API.STREAM.DELETE.EVENTS',
        ];
        for (const reply of targets) for (const [subject, body] of asked) connection.publish(subject, body, { reply });
        await connection.flush();
        // Answered after all of the above.
        await connection.request('$JS.API.STREAM.INFO.REVOCATIONS');
        await admin.request('$JS.API.INFO');
        assert.deepEqual(await look(), before);
        // An acknowledgement of what it publishes is an answer too; it stores the event, and nothing else.
        const own = subjects[name]?.[0];
        if (own === undefined) return;
        const acknowledged = '$JS.API.STREAM.PURGE.DEAD_LETTERS';
        for (const reply of [...targets, acknowledged]) connection.publish(own, 'x', { reply });
        await connection.flush();
        await connection.request('$JS.API.STREAM.INFO.REVOCATIONS');
        const counts = (found: Awaited<ReturnType<typeof look>>) =>
          found.slice(0, streamNames.length).map(([, messages]) => Number(messages));
        const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
        const wanted = sum(counts(before)) + targets.length + 1;
        await until('its own events are stored', async () => sum(counts(await look())) >= wanted);
        assert.equal(sum(counts(await look())), wanted);
        assert.deepEqual((await look()).at(-1), before.at(-1));
      } finally {
        await admin.close();
      }
    });
  }

  test('nobody gets in without a user', async () => {
    const { host } = new URL(stack.urls.nats);
    await assert.rejects(connect({ servers: host, reconnect: false, timeout: 2_000 }), /authorization/i);
  });
});

test('who looks at servers is let in until all is replaced that does, and then no more', async () => {
  const port = Number(new URL(stack.urls.frontDoor).port);
  const plan = planStack({ stateDir, portBase: port, serversOnly: true, observability: false });
  const database = new URL(stack.urls.database);
  [database.username, database.password] = [monitoringRole, stack.secrets.monitoring];
  const askPostgres = () =>
    withClient(database.href, { connectionTimeoutMillis: 5_000, application_name: 'test' }, (client) =>
      client.query('SELECT 1'),
    );
  const askRedis = async () => {
    const { hostname: host, port: redisPort } = new URL(stack.urls.redis);
    const user = { username: monitoringUser, password: stack.secrets.redisMonitoring };
    const options = { ...user, host, port: Number(redisPort), lazyConnect: true, retryStrategy: () => null };
    const client = new Redis({ ...options, enableReadyCheck: false });
    client.on('error', () => {});
    try {
      await client.info('stats');
    } finally {
      client.disconnect();
    }
  };
  await bringUpToDate(plan, [], { step: async (_, work) => void (await work()) });
  await askPostgres();
  await askRedis();
  await refreshUsers(plan, undefined, false);
  await assert.rejects(askPostgres(), { code: '28P01' });
  await assert.rejects(askRedis(), /WRONGPASS|NOAUTH/);
});
