import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls';
import { jetstreamManager } from '@nats-io/jetstream';
import { openDatabase } from '#kit/db/database.ts';
import { EVENTS_STREAM } from '#kit/events/jetstream/streams.ts';
import { createCertificate } from '../../../services/auth/testing/certificate.ts';
import { findFreePortBase } from '../../local/ports.ts';
import { urlOf } from '../../local/servers/database.ts';
import { connectOnce } from '../../local/servers/nats.ts';
import { withClient } from '../../local/servers/postgres-client.ts';
import { durablesOf, roleOf, services } from '../../local/services.ts';
import { type Stack, startStack } from '../../local/stack/stack.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { setUp } from './set-up.ts';

const passwordOf = (name: string): string => `password-of-${name}-in-vault`;

const SCHEMA = { name: 'test-schema', text: 'select current_schema() as schema where exists (select from migrations)' };
/** The first eight bytes of a client that wants TLS. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const options = { connectionTimeoutMillis: 5_000, application_name: 'oxo-test' };

/** Makes a server what CloudNativePG makes: an empty database of an administrator who is no superuser. */
async function likeACluster(admin: string): Promise<void> {
  const maintenance = Object.assign(new URL(admin), { pathname: '/postgres' }).href;
  await withClient(maintenance, options, async (client) => {
    await client.query('DROP DATABASE oxo WITH (FORCE)');
    const { rows } = await client.query<{ name: string }>(
      `SELECT rolname AS name FROM pg_roles WHERE rolname ~ '^oxo_'`,
    );
    for (const { name } of rows) await client.query(`DROP ROLE ${name}`);
    await client.query(`CREATE ROLE cluster_owner LOGIN CREATEDB CREATEROLE PASSWORD 'a-password'`);
    await client.query('CREATE DATABASE oxo OWNER cluster_owner');
  });
}

/** Lets through to a server of ours, which has no TLS built in, who speaks TLS, and nobody else. */
async function startTls(port: number, { cert, key }: { cert: string; key: string }) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (first) => {
      if (!SSL_REQUEST.equals(first)) return void socket.destroy();
      socket.write('S');
      const secure = new TLSSocket(socket, { isServer: true, cert, key });
      const behind = connect(port, '127.0.0.1');
      for (const one of [secure, behind]) one.on('error', () => socket.destroy()).on('close', () => behind.destroy());
      secure.pipe(behind).pipe(secure);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

describe('the set-up of a cluster', () => {
  let stack: Stack;
  let env: Record<string, string>;
  let tls: Awaited<ReturnType<typeof startTls>>;
  let url: string;
  const authorities = getCACertificates();

  before(async () => {
    stack = await startStack({ stateDir: temporaryFolder(), portBase: await findFreePortBase(), serversOnly: true });
    const { cert, key } = createCertificate();
    await likeACluster(stack.urls.database);
    const server = new URL(stack.urls.database);
    tls = await startTls(Number(server.port), { cert, key });
    url = `postgres://cluster_owner:a-password@localhost:${tls.port}/oxo?sslmode=verify-full`;
    setDefaultCACertificates([...authorities, cert]);
    const certPath = join(temporaryFolder(), 'ca.crt');
    writeFileSync(certPath, cert);
    env = {
      DATABASE_URL: url,
      NATS_URL: stack.urls.nats,
      SERVICE_PASSWORDS: services.map(({ name }) => `${name}=${passwordOf(name)}`).join(),
      AUDIT_OWNER_PASSWORD: passwordOf('audit'),
      STREAM_REPLICAS: '1',
      NODE_EXTRA_CA_CERTS: certPath,
    };
  });
  after(async () => {
    setDefaultCACertificates(authorities);
    tls.stop();
    await stack.stop();
  });

  it('makes what the services need, and can be repeated', async () => {
    for (const expected of [/up 20261123-initial/, /nothing to migrate/]) {
      const done: string[] = [];
      await setUp({ ...process.env, ...env }, (line) => done.push(line));
      assert.match(done.find((line) => line.startsWith('post: ')) ?? '', expected);
    }
    for (const service of services) {
      if (service.migrate === undefined) continue;
      const own = urlOf(url, { name: roleOf(service), password: passwordOf(service.name) });
      const db = await openDatabase({ url: own, poolSize: 1, entities: [] });
      try {
        const [found] = await db.query<{ schema: string }>(SCHEMA);
        assert.deepEqual(found, { schema: service.schema });
      } finally {
        await db.close();
      }
    }
    await assert.rejects(async () => {
      setDefaultCACertificates(authorities);
      const db = await openDatabase({ url, poolSize: 1, entities: [] });
      await db.ping().finally(db.close);
    });
    const connection = await connectOnce(stack.urls.nats);
    try {
      const manager = await jetstreamManager(connection);
      for (const service of services) {
        for (const { name } of await durablesOf(service)) await manager.consumers.info(EVENTS_STREAM, name);
      }
    } finally {
      await connection.close();
    }
  });

  it('names everything that is wrong with its settings, and no password', async () => {
    const wrong = { ...env, SERVICE_PASSWORDS: 'post=secret', STREAM_REPLICAS: '9', NATS_URL: '' };
    await assert.rejects(
      setUp(wrong, () => {}),
      (error: Error) => {
        assert.match(error.message, /SERVICE_PASSWORDS: must be .*STREAM_REPLICAS.*/s);
        assert.match(error.message, /NATS_URL: is not set/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
    await assert.rejects(
      setUp({ ...env, SERVICE_PASSWORDS: `post=${passwordOf('post')}` }, () => {}),
      /must name auth,user,post,feed/,
    );
  });
});
