/** The users that External Secrets makes for Redis are what a server takes, and may do what they may on one machine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { parse, parseAllDocuments } from 'yaml';
import { startRedis, type TestRedis } from '#kit/testing/redis.ts';
import { monitoringUser } from '../../local/servers/redis-acl.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { readResources } from '../testing/manifests.ts';

const functions = join(repositoryRoot, 'mesh/kubernetes/roll-out/functions.sh');
const component = join(repositoryRoot, 'mesh/kubernetes/components/observability');
const passwordOf = (name: string): string => `password-of-${name}`;

/** As External Secrets fills it in. */
function usersOf(name: string): string {
  const secret = readResources('infra/generated/redis-acl.yaml').find(({ metadata }) => metadata.name === name);
  const template: string = secret?.spec.target.template.data['user.acl'];
  return template.replaceAll(/\{\{ \.(\w+) \| sha256sum \}\}/g, (_, user: string) =>
    createHash('sha256').update(passwordOf(user)).digest('hex'),
  );
}

describe('the users of Redis', () => {
  let server: TestRedis;
  const clients: Redis[] = [];
  before(async () => {
    server = await startRedis();
    const administrator = new Redis(server.url);
    clients.push(administrator);
    for (const name of ['redis-acl', 'redis-limits-acl']) {
      const lines = usersOf(name).trim().split('\n');
      assert.ok(lines.length > 3);
      const { stdout } = spawnSync('bash', ['-c', `. ${functions}; acl_commands`], {
        input: lines.join('\n'),
        encoding: 'utf8',
      });
      const told = stdout.trim().split('\n');
      // The default user is this test's own; the administrator of a cluster is who tells it.
      assert.equal(told.length, lines.length - 2);
      const administrators = lines
        .filter((line) => line.startsWith('user oxo '))
        .map((line) => line.replace('user', 'ACL SETUSER'));
      for (const line of [...told, ...administrators]) {
        const [command = '', ...rest] = line.split(' ');
        await administrator.call(command, ...rest);
      }
    }
  });
  after(async () => {
    for (const client of clients) client.disconnect();
    await server.stop();
  });

  function as(user: string, password = passwordOf(user)): Redis {
    const { hostname, port } = new URL(server.url);
    const client = new Redis({
      host: hostname,
      port: Number(port),
      username: user,
      password,
      retryStrategy: () => null,
    });
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  it('write what is theirs, read what they may, and come in by their own password', async () => {
    assert.equal(await as('post').set('post:{1}', 'a'), 'OK');
    assert.equal(await as('feed').get('post:{1}'), 'a');
    await assert.rejects(as('feed').set('post:{1}', 'b'), /NOPERM/);
    await assert.rejects(as('post').call('FLUSHALL'), /NOPERM/);
    assert.equal(await as('ratelimit').incrby('limits:a', 3), 3);
    await assert.rejects(as('ratelimit').incrby('post:{1}', 3), /NOPERM/);
    await assert.rejects(as('post', passwordOf('feed')).ping());
    assert.equal(await as('oxo', passwordOf('operator')).call('FLUSHALL'), 'OK');
  });

  it('let who reads statistics read those alone', async () => {
    const exporter = as(monitoringUser, passwordOf('monitoring'));
    assert.match(await exporter.info(), /evicted_keys/);
    assert.equal(await exporter.call('SLOWLOG', 'LEN'), 0);
    await assert.rejects(exporter.call('CLUSTER', 'INFO'), /cluster support disabled/);
    for (const refused of [
      ...['GET post:{1}', 'SET post:{1} a', 'DEL post:{1}', 'SCAN 0', 'KEYS *', 'RANDOMKEY', 'DUMP post:{1}'],
      ...['SLOWLOG GET', 'CONFIG GET *', 'CONFIG SET maxmemory 1', 'ACL LIST', 'CLIENT LIST', 'MONITOR', 'FLUSHALL'],
      ...['EVAL return(1) 0', 'CLUSTER RESET', 'SUBSCRIBE a', 'PUBLISH a b'],
    ]) {
      const [command = '', ...rest] = refused.split(' ');
      await assert.rejects(exporter.call(command, ...rest), /NOPERM/, refused);
    }
  });

  it('are those by which the exporters beside them sign in', () => {
    const { patches } = parse(readFileSync(join(component, 'kustomization.yaml'), 'utf8'));
    const secrets = parseAllDocuments(readFileSync(join(component, 'exporters.yaml'), 'utf8')).map((one) => one.toJS());
    for (const kind of ['RedisCluster', 'Redis']) {
      const [{ patch }] = patches.filter(({ target }: { target: { kind: string } }) => target.kind === kind);
      const [{ path, value }] = parse(patch);
      assert.equal(path, '/spec/sidecars');
      const env = new Map(value[0].env.map(({ name, ...rest }: { name: string }) => [name, rest]));
      assert.deepEqual(env.get('REDIS_USER'), { value: monitoringUser });
      const { secretKeyRef } = (env.get('REDIS_PASSWORD') as { valueFrom: { secretKeyRef: Record<string, string> } })
        .valueFrom;
      const secret = secrets.find(({ metadata }) => metadata.name === secretKeyRef.name);
      const [entry] = secret.spec.data;
      assert.deepEqual(entry, {
        secretKey: secretKeyRef.key,
        remoteRef: { key: 'oxo/monitoring', property: 'redis' },
      });
    }
  });
});
