import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { EVENTS_STREAM } from '#kit/events/jetstream/streams.ts';
import { findFreePortBase } from '../../local/ports.ts';
import { urlOf } from '../../local/servers/database.ts';
import { connectOnce } from '../../local/servers/nats.ts';
import { withClient } from '../../local/servers/postgres-client.ts';
import { durablesOf, roleOf, services } from '../../local/services.ts';
import { type Stack, startStack } from '../../local/stack/stack.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { setUp } from './set-up.ts';

const passwordOf = (name: string): string => `password-of-${name}-in-vault`;

describe('the set-up of a cluster', () => {
  let stack: Stack;
  let env: Record<string, string>;
  before(async () => {
    stack = await startStack({ stateDir: temporaryFolder(), portBase: await findFreePortBase(), serversOnly: true });
    env = {
      DATABASE_URL: stack.urls.database,
      NATS_URL: stack.urls.nats,
      SERVICE_PASSWORDS: services.map(({ name }) => `${name}=${passwordOf(name)}`).join(),
      AUDIT_OWNER_PASSWORD: passwordOf('audit'),
      STREAM_REPLICAS: '1',
    };
  });
  after(() => stack.stop());

  it('makes what the services need, and can be repeated', async () => {
    for (const expected of [/up 20261123-initial/, /nothing to migrate/]) {
      const done: string[] = [];
      await setUp({ ...process.env, ...env }, (line) => done.push(line));
      assert.match(done.find((line) => line.startsWith('post: ')) ?? '', expected);
    }
    for (const service of services) {
      if (service.migrate === undefined) continue;
      const url = urlOf(stack.urls.database, { name: roleOf(service), password: passwordOf(service.name) });
      const schema = await withClient(
        url,
        { connectionTimeoutMillis: 5_000, application_name: 'oxo-test' },
        async (client) => {
          await client.query('SELECT FROM migrations LIMIT 1');
          return (await client.query('SELECT current_schema() AS name')).rows[0].name;
        },
      );
      assert.equal(schema, service.schema);
    }
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
