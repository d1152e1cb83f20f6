import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createChannel, createClient } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { ServerReflectionService } from 'nice-grpc-server-reflection';
import reflection from 'nice-grpc-server-reflection/lib/proto/grpc/reflection/v1/reflection_pb.js';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { systemClock } from '#kit/clock.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { createRpcServer, type RpcServer } from '#kit/rpc/server.ts';
import { createTestIssuer } from '#kit/testing/tokens.ts';

/** Number of grpc.health.v1.HealthCheckResponse.ServingStatus. */
const SERVING = 1;

let server: RpcServer;
let channel: ReturnType<typeof createChannel>;
const metrics = createMetrics();

async function newServer(): Promise<RpcServer> {
  const { verifier } = await createTestIssuer();
  const logger = createLogger({ service: 'test', level: 'silent' });
  return createRpcServer({ verifier, logger, metrics, clock: systemClock });
}

before(async () => {
  server = await newServer();
  server.add(AuthInternalServiceDefinition, {
    issueServiceToken: async () => {
      throw new Error('a secret detail');
    },
    disableAccount: () => assert.fail('nobody asks for it'),
    rotateSigningKeys: () => assert.fail('nobody asks for it'),
    rewrapSigningKeys: () => assert.fail('nobody asks for it'),
    dropServiceSecrets: () => assert.fail('nobody asks for it'),
  });
  channel = createChannel(`127.0.0.1:${await server.listen('127.0.0.1:0')}`);
});
after(async () => {
  channel.close();
  await server.close();
});

test('a server says that it is healthy', async () => {
  const { status } = await createClient(HealthDefinition, channel).check({ service: '' });
  assert.equal(status, SERVING);
});

test('a server tells which contracts it serves', async () => {
  const request = new reflection.ServerReflectionRequest();
  request.setListServices('*');
  const client = createClient(ServerReflectionService, channel);
  const names: string[] = [];
  for await (const answer of client.serverReflectionInfo(
    (async function* () {
      yield request;
    })(),
  )) {
    names.push(...(answer.getListServicesResponse()?.getServiceList() ?? []).map((service) => service.getName()));
  }
  assert.deepEqual(names, [AuthInternalServiceDefinition.fullName]);
});

test('an error that is not ours leaves as INTERNAL and tells nothing', async () => {
  const client = createClient(AuthInternalServiceDefinition, channel);
  await assert.rejects(client.issueServiceToken({ clientId: 'a', clientSecret: 'b' }), (error: Error) => {
    assert.match(error.message, /INTERNAL/);
    assert.doesNotMatch(error.message, /secret detail/);
    return true;
  });
  const refusals = (await metrics.render()).match(/^oxo_rpc_refusals_total\{.*$/gm);
  const rpc = 'oxo.auth.v1.AuthInternalService/IssueServiceToken';
  assert.deepEqual(refusals, [`oxo_rpc_refusals_total{rpc="${rpc}",reason="INTERNAL"} 1`]);
});

test('an RPC that declares no access is not served', async () => {
  const { issueServiceToken } = AuthInternalServiceDefinition.methods;
  const undeclared = {
    ...AuthInternalServiceDefinition,
    methods: { issueServiceToken: { ...issueServiceToken, options: {} } },
  };
  const other = await newServer();
  assert.throws(
    () => other.add(undeclared, { issueServiceToken: async () => ({ accessToken: '', expiresIn: 0 }) }),
    /declares no access/,
  );
});
