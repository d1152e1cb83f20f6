import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openTestBrowser, serveTestPages, type TestAnswer } from '../testing/oauth-browser.ts';
import {
  authorizationRequest,
  getCode,
  postAs,
  registerClient,
  type TestClient,
  token,
} from '../testing/oauth-client.ts';
import { DEVICE_GRANT } from './clients/client-metadata.ts';

const few = (attempts: number) => ({ attempts, windowMs: HOUR_MS });
let service: TestAuthService;
let client: TestClient;
let device: TestClient;
let networks = 0;
before(async () => {
  service = await startAuthService({
    withUser: false,
    allowances: {
      browserFromNetwork: few(4),
      deviceCodeFromNetwork: few(3),
      deviceFromNetwork: few(4),
      deviceOfClientFromNetwork: few(3),
      ownTokenOfClient: few(2),
    },
  });
  serveTestPages(service);
  client = await registerClient(service);
  device = await registerClient(service, {
    ...{ redirect_uris: [], response_types: [], grant_types: [DEVICE_GRANT, 'client_credentials'] },
  });
});
after(() => service.close());

/** A network that has asked for nothing yet. */
function newNetwork(): Record<string, string> {
  networks += 1;
  return { 'x-forwarded-for': `198.51.100.${networks}` };
}

async function rows(kind: string): Promise<number> {
  const [row] = await service.db.query<{ count: number }>(
    { name: 'count-artifacts', text: 'select count(*)::int as count from oauth_artifacts where kind = $1' },
    [kind],
  );
  return row?.count ?? 0;
}

function assertSlow(answer: TestAnswer): void {
  assert.equal(answer.status, 429, answer.body);
  assert.ok(Number(answer.headers['retry-after']) > 0);
}

test('a network begins so much with browsers that have nobody, and no other network suffers', async () => {
  for (const path of [authorizationRequest(client).address, '/device', '/oauth/logout']) {
    const network = newNetwork();
    for (let time = 0; time < 4; time += 1) {
      const { status } = await openTestBrowser(service).fetch(path, undefined, network);
      assert.ok(status < 400, `${path} ${status}`);
    }
    const before = [await rows('Session'), await rows('Interaction')];
    const refused = await openTestBrowser(service).fetch(path, undefined, network);
    assertSlow(refused);
    assert.match(refused.body, /Try again in/);
    assert.deepEqual([await rows('Session'), await rows('Interaction')], before);
    assert.ok((await openTestBrowser(service).fetch(path, undefined, newNetwork())).status < 400);
  }
});

test('who goes straight on to a client takes nothing from the network', async () => {
  const { id: accountId } = await service.signIn();
  const { browser } = await getCode(service, client, { accountId });
  const { address } = authorizationRequest(client, { prompt: undefined });
  const network = newNetwork();
  for (let time = 0; time < 12; time += 1) {
    const { location } = await browser.fetch(address, undefined, network);
    assert.ok(location?.searchParams.has('code'), location?.href);
  }
});

test('devices begin so often by a client and by a network', async () => {
  const begin = (one: TestClient, network: Record<string, string>) =>
    postAs(service, one, '/oauth/device', { scope: 'posts:read' }, network);
  const network = newNetwork();
  for (let time = 0; time < 3; time += 1) assert.equal((await begin(device, network)).status, 200);
  const before = await rows('DeviceCode');
  const refused = await begin(device, network);
  assertSlow(refused);
  assert.equal(refused.json().error, 'slow_down');
  assert.equal(await rows('DeviceCode'), before);
  const other = await registerClient(service, {
    ...{ redirect_uris: [], response_types: [], grant_types: [DEVICE_GRANT] },
  });
  assert.equal((await begin(other, network)).status, 200);
  assertSlow(await begin(other, network));
  assert.equal((await begin(device, newNetwork())).status, 200);
});

test('codes of devices that are right count for nothing', async () => {
  const network = newNetwork();
  const { user_code } = (await postAs(service, device, '/oauth/device', { scope: 'posts:read' })).json();
  const browser = openTestBrowser(service);
  const type = async (code: unknown) => {
    const { body } = await browser.fetch('/device', undefined, newNetwork());
    const [, xsrf = ''] = /name="xsrf" value="([^"]*)"/.exec(body) ?? [];
    return browser.fetch('/device', { xsrf, user_code: String(code) }, network);
  };
  for (let time = 0; time < 6; time += 1) assert.match((await type(user_code)).body, /Is this your device/);
  for (let time = 0; time < 3; time += 1) assert.match((await type('BBBB-BBBB')).body, /role="alert"/);
  assertSlow(await type('BBBB-BBBB'));
});

test('a client gets so many tokens for itself', async () => {
  const own = { grant_type: 'client_credentials', scope: 'posts:read' };
  for (let time = 0; time < 2; time += 1) assert.equal((await token(service, device, own)).status, 200);
  assertSlow(await token(service, device, own));
});

test('what strangers say at length is not kept', async () => {
  const { address } = authorizationRequest(client, { state: 'x'.repeat(9_000) });
  const before = await rows('Interaction');
  const { location } = await openTestBrowser(service).fetch(address, undefined, newNetwork());
  assert.equal(location?.searchParams.get('error'), 'invalid_request');
  assert.equal(await rows('Interaction'), before);
  const form = { scope: 'posts:read', nonce: 'x'.repeat(9_000) };
  assert.equal((await postAs(service, device, '/oauth/device', form, newNetwork())).status, 400);
  const logout = `/oauth/logout?state=${'x'.repeat(9_000)}`;
  assert.equal((await openTestBrowser(service).fetch(logout, undefined, newNetwork())).status, 400);
});

test('what waits for a person who has not signed in is forgotten after a quarter of an hour', async () => {
  const { address } = authorizationRequest(client);
  await openTestBrowser(service).fetch(address, undefined, newNetwork());
  service.clock.advance(15 * MINUTE_MS + 1_000);
  await service.background('clean-up of OAuth tokens');
  assert.equal(await rows('Interaction'), 0);
});
