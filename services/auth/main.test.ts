import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { AuthServiceDefinition } from '#gen/oxo/auth/v1/auth_service.ts';
import { openChannel } from '#kit/rpc/client.ts';
import { createTestContext, openTestBus, openTestDatabase, openTestRedis } from '#kit/testing/context.ts';
import type { TestDatabase } from '#kit/testing/database.ts';
import { startNeighbour } from '#kit/testing/neighbour.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startNode, startProcess, type TestProcess } from '#kit/testing/process.ts';
import { isRefused, refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { testSchema } from './testing/schema.ts';

const ARGS = ['--import', './mesh/kit/observability/telemetry.ts', 'services/auth/main.ts'];
const ISSUER = 'http://oxo.test';
const SECRET = 'secret of feed';
const EMAIL = 'somebody@example.org';
const PASSWORD = 'a walk in the rain 17';

const context = createTestContext('auth');
let db: TestDatabase['db'];
let env: Record<string, string>;
let httpPort: number;

before(async () => {
  const database = await openTestDatabase(context, testSchema);
  db = database.db;
  httpPort = await freePort();
  const jwksUrl = `http://127.0.0.1:${httpPort}/.well-known/jwks.json`;
  const [{ redisUrl }, bus] = await Promise.all([openTestRedis(context), openTestBus(context)]);
  const natsUrl = bus.server.url();
  const user = await startNeighbour(context, { name: 'user', redisUrl, natsUrl, jwksUrl, issuer: ISSUER });
  env = {
    ...{ GRPC_HOST: '127.0.0.1', OPS_HOST: '127.0.0.1', HTTP_HOST: '127.0.0.1', LOG_LEVEL: 'trace' },
    ...{ DATABASE_URL: database.url, NATS_URL: natsUrl, JWKS_URL: jwksUrl, JWT_ISSUER: ISSUER },
    ...{ USER_GRPC_ADDRESS: user.address, KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64') },
    OAUTH_COOKIE_SECRETS: randomBytes(32).toString('base64'),
    ...{ LIMITS_REDIS_URL: redisUrl, SERVICE_SECRET: 'secret of auth' },
    API_KEY_TAG_SECRETS: randomBytes(32).toString('base64'),
    MAIL_TOKEN_SECRETS: randomBytes(32).toString('base64'),
    SERVICE_SECRET_HASHES: `feed=${createHash('sha256').update(SECRET).digest('hex')}`,
  };
});
after(context.close);

async function startAuth(jwksPort: number): Promise<{ process: TestProcess; address: string }> {
  const [grpcPort, opsPort] = [await freePort(), await freePort()];
  const ports = { GRPC_PORT: String(grpcPort), OPS_PORT: String(opsPort), HTTP_PORT: String(jwksPort) };
  const readyUrl = `http://127.0.0.1:${opsPort}/readyz`;
  return {
    process: await startNode({ args: ARGS, env: { ...env, ...ports }, readyUrl }),
    address: `127.0.0.1:${grpcPort}`,
  };
}

test("two replicas that start at once sign with one key, and hear of each other's revocations", async (t) => {
  const [one, two] = await Promise.all([startAuth(httpPort), startAuth(await freePort())]);
  t.after(() => Promise.all([one.process.stop(), two.process.stop()]));
  const rows = await db.query({ name: 'test-keys', text: 'select 1 from signing_keys' });
  assert.equal(rows.length, 2, 'the one that signs, and the next');

  const open = openChannel(one.address, undefined);
  t.after(open.close);
  const registered = await open
    .client(AuthServiceDefinition)
    .register({ handle: 'somebody', email: EMAIL, password: PASSWORD, displayName: '' });
  const token = registered.tokens?.accessToken ?? '';
  const mine = [one, two].map(({ address }) => openChannel(address, async () => token));
  t.after(() => mine.forEach((channel) => void channel.close()));
  const [here, there] = mine.map((channel) => channel.client(AuthServiceDefinition));
  await here?.logout({ all: false });
  await assert.rejects(async () => here?.logout({ all: false }), refused('SESSION_REVOKED'));
  const elsewhere = there ?? assert.fail();
  const refuses = () => isRefused(elsewhere.logout({ all: false }), 'SESSION_REVOKED');
  await until('the other replica refuses the session', refuses, 2_000);

  const internal = open.client(AuthInternalServiceDefinition);
  const issued = await internal.issueServiceToken({ clientId: 'feed', clientSecret: SECRET });
  assert.equal(issued.expiresIn, 300);

  const metadata = await fetch(`http://127.0.0.1:${httpPort}/.well-known/openid-configuration`);
  assert.equal(((await metadata.json()) as { issuer: string }).issuer, ISSUER);

  assert.equal(await one.process.stop(), 0);
  assert.equal(await two.process.stop(), 0);
  const log = one.process.output() + two.process.output();
  for (const secret of [
    EMAIL,
    PASSWORD,
    SECRET,
    token,
    registered.tokens?.refreshToken ?? '',
    env.KEY_ENCRYPTION_KEY ?? '',
    env.OAUTH_COOKIE_SECRETS ?? '',
  ]) {
    assert.ok(!log.includes(secret), 'a secret stands in the log');
  }
  assert.doesNotMatch(log, /oidc-provider|NOTICE|Warning/);
});

test('another key-encryption key is told at the start', async () => {
  const [grpcPort, opsPort, jwksPort] = [await freePort(), await freePort(), await freePort()];
  const ports = { GRPC_PORT: String(grpcPort), OPS_PORT: String(opsPort), HTTP_PORT: String(jwksPort) };
  const otherKey = randomBytes(32).toString('base64');
  const auth = startProcess({
    command: process.execPath,
    args: ARGS,
    env: { ...env, ...ports, KEY_ENCRYPTION_KEY: otherKey },
  });
  assert.equal(await auth.exited, 1);
  assert.match(auth.output(), /cannot be decrypted: the key-encryption key is not the one that encrypted it/);
  assert.ok(!auth.output().includes(otherKey));
});

test('all settings that are wrong are told at once', async () => {
  const auth = startProcess({
    command: process.execPath,
    args: ARGS,
    env: { KEY_ENCRYPTION_KEY: 'short', SERVICE_SECRET_HASHES: 'feed=12', OAUTH_COOKIE_SECRETS: 'c2hvcnQ=' },
  });
  assert.equal(await auth.exited, 1);
  for (const name of [
    'KEY_ENCRYPTION_KEY: must be 32 bytes',
    'SERVICE_SECRET_HASHES: must be',
    'OAUTH_COOKIE_SECRETS: must be',
    'HTTP_PORT: is not set',
  ]) {
    assert.ok(auth.output().includes(name), name);
  }
});
