/** The users that External Secrets makes for Redis are what a server takes, and may do what they may on one machine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { startRedis, type TestRedis } from '#kit/testing/redis.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { readResources } from '../testing/manifests.ts';

const functions = join(repositoryRoot, 'mesh/kubernetes/roll-out/functions.sh');
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
});
