/** The configuration of NATS runs as it stands: three servers with TLS, streams on all of them, each service with its own rights. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connectNats } from '#kit/events/jetstream/nats.ts';
import { STREAMS } from '#kit/events/jetstream/streams.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProcess, type TestProcess } from '#kit/testing/process.ts';
import { until } from '#kit/testing/until.ts';
import { createCertificate } from '../../../services/auth/testing/certificate.ts';
import { connectOnce } from '../../local/servers/nats.ts';
import { setUpStreams } from '../../local/servers/streams.ts';
import { services } from '../../local/services.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { baseFolder } from '../testing/manifests.ts';

const passwordOf = (user: string): string => `0123e${user}`;

/** The file that a pod has, with this machine's addresses in the place of the cluster's. */
function configFor(folder: string, ports: readonly number[], routes: readonly number[], own: number): string {
  const text = readFileSync(join(baseFolder, 'infra/generated/nats.conf'), 'utf8');
  const peers = routes.map((port) => `"nats://127.0.0.1:${port}"`);
  const changed = text
    .replaceAll('/etc/nats-tls/ca.crt', '/etc/nats-tls/tls.crt')
    .replaceAll('/etc/nats-tls', folder)
    .replace('"/data"', JSON.stringify(join(folder, `data-${own}`)))
    .replace('"port": 4222', `"host": "127.0.0.1", "port": ${ports[own]}`)
    .replace('"http_port": 8222,', '')
    .replace('"port": $NATS_CLUSTER_PORT', '"host": "127.0.0.1", "port": $NATS_CLUSTER_PORT')
    .replace(/"routes": \[[^\]]*\]/, `"routes": [${peers}]`);
  assert.ok(!changed.includes('oxo-infra') && !changed.includes('/etc/'));
  return changed;
}

describe('the NATS cluster', () => {
  const servers: TestProcess[] = [];
  let port = 0;
  const authorities = getCACertificates();
  const url = (user: string) => `tls://${user}:${passwordOf(user)}@localhost:${port}`;

  const folder = temporaryFolder();

  before(async () => {
    const { cert, key } = createCertificate();
    writeFileSync(join(folder, 'tls.crt'), cert);
    writeFileSync(join(folder, 'tls.key'), key);
    const ports = [await freePort(), await freePort(), await freePort()];
    const routes = [await freePort(), await freePort(), await freePort()];
    const users = ['ADMIN', ...services.map(({ name }) => name.toUpperCase())];
    const env = Object.fromEntries(
      users.map((name) => [`NATS_${name}`, `"${passwordOf(name === 'ADMIN' ? 'oxo' : name.toLowerCase())}"`]),
    );
    for (const own of [0, 1, 2]) {
      const path = join(folder, `nats-${own}.conf`);
      writeFileSync(path, configFor(folder, ports, routes, own));
      const command = process.env.TEST_NATS_BINARY ?? '';
      const ofPod = { POD_NAME: `nats-${own}`, NATS_CLUSTER_PORT: String(routes[own]) };
      servers.push(startProcess({ command, args: ['-c', path], cwd: folder, env: { ...env, ...ofPod } }));
    }
    port = ports[0] ?? 0;
    setDefaultCACertificates([...authorities, cert]);
  });
  after(async () => {
    setDefaultCACertificates(authorities);
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  });

  it('holds each stream three times', async () => {
    await until('the servers have found each other', async () => {
      await setUpStreams(url('oxo'), services, { replicas: 3 });
      return true;
    });
    const connection = await connectOnce(url('oxo'));
    try {
      const manager = await jetstreamManager(connection);
      for (const { name } of STREAMS) {
        const { config, cluster } = await manager.streams.info(name);
        assert.equal(config.num_replicas, 3, name);
        assert.equal(cluster?.replicas?.length, 2, name);
      }
    } finally {
      await connection.close();
    }
  });

  it('takes from a service what is its own, and nothing else', async () => {
    const logger = createLogger({ service: 'test', level: 'fatal' });
    const bus = await connectNats({ url: url('post'), name: 'post', logger });
    try {
      const { stream } = await jetstream(bus.connection).publish('post.created', 'a');
      assert.equal(stream, 'EVENTS');
      const publish = jetstream(bus.connection).publish('user.registered', 'a', { timeout: 1_000 });
      await assert.rejects(publish);
    } finally {
      await bus.close();
    }
  });

  it('shows a renewed certificate when it is told to, as the reloader does', async () => {
    const { cert, key } = createCertificate();
    writeFileSync(join(folder, 'tls.crt'), cert);
    writeFileSync(join(folder, 'tls.key'), key);
    for (const { pid } of servers) process.kill(pid, 'SIGHUP');
    setDefaultCACertificates([...authorities, cert]);
    await until('the server shows it', async () => {
      const connection = await connectOnce(url('post'));
      await connection.close();
      return true;
    });
    for (const server of servers) assert.doesNotMatch(server.output(), /Failed to reload/);
  });

  it('lets nobody in by another password, or whose certificate it has not', async () => {
    await assert.rejects(connectOnce(url('post').replace('0123e', '0124e')), /Authorization/i);
    setDefaultCACertificates(authorities);
    await assert.rejects(connectOnce(url('post')), /certificate/i);
  });
});
