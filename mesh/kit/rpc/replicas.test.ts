import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { systemClock } from '#kit/clock.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { type Channel, openChannel } from '#kit/rpc/client.ts';
import { createRpcServer, type RpcServer } from '#kit/rpc/server.ts';
import { quiet } from '#kit/testing/bus.ts';
import { createTestIssuer, type TestIssuer } from '#kit/testing/tokens.ts';
import { until } from '#kit/testing/until.ts';

const { batchGetUsers } = UserInternalServiceDefinition.methods;
const UserService = { ...UserInternalServiceDefinition, methods: { batchGetUsers } };

let issuer: TestIssuer;
before(async () => {
  issuer = await createTestIssuer();
});

const opened: (Channel | RpcServer)[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

interface Replica {
  server: RpcServer;
  port: number;
  calls: number;
}

/** A replica of the user service. @param port a free one when absent */
async function startReplica(port = 0): Promise<Replica> {
  const server = createRpcServer({
    ...{ verifier: issuer.verifier, logger: quiet, metrics: createMetrics(), clock: systemClock },
  });
  const replica = { server, port, calls: 0 };
  server.add(UserService, {
    batchGetUsers: async () => {
      replica.calls += 1;
      return { users: [] };
    },
  });
  replica.port = await server.listen(`127.0.0.1:${port}`);
  opened.push(server);
  return replica;
}

test('calls take turns at the replicas, pass by the one that is away, and come to it when it is back', async () => {
  const [one, two] = [await startReplica(), await startReplica()];
  const channel = openChannel(`127.0.0.1:${one.port},127.0.0.1:${two.port}`, () => issuer.serviceToken('feed'));
  opened.push(channel);
  const users = channel.client(UserService);
  const callOften = async () => {
    for (let time = 0; time < 20; time += 1) await users.batchGetUsers({ ids: [] });
  };
  await until('both are connected', async () => {
    await callOften();
    return one.calls > 0 && two.calls > 0;
  });
  [one.calls, two.calls] = [0, 0];
  await callOften();
  assert.deepEqual([one.calls, two.calls], [10, 10]);

  await one.server.close();
  [one.calls, two.calls] = [0, 0];
  await callOften();
  assert.deepEqual([one.calls, two.calls], [0, 20]);

  const again = await startReplica(one.port);
  await until('it is called again', async () => {
    await callOften();
    return again.calls > 0;
  });
});
