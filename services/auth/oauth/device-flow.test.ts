import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MINUTE_MS } from '#kit/clock.ts';
import { ISSUER, type TestAuthService } from '../testing/auth-service.ts';
import { goOn, openTestBrowser, type TestAnswer, type TestBrowser } from '../testing/oauth-browser.ts';
import {
  errorOf,
  postAs,
  registerClient,
  scopesOf,
  type TestClient,
  type TestTokens,
  token,
} from '../testing/oauth-client.ts';
import { startOAuthService } from '../testing/oauth-service.ts';
import { signInsDuring } from '../testing/sign-ins.ts';
import { DEVICE_GRANT } from './clients/client-metadata.ts';

let service: TestAuthService;
let client: TestClient;
let accountId: string;
before(async () => {
  const metadata = {
    ...{ client_name: 'Television <1>', token_endpoint_auth_method: 'none' },
    ...{ redirect_uris: [], response_types: [], grant_types: [DEVICE_GRANT, 'refresh_token'] },
  };
  ({ service, client, accountId } = await startOAuthService({ client: metadata }));
});
after(() => service.close());

interface DeviceCodes {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
}

async function begin(scope = 'openid posts:read offline_access'): Promise<DeviceCodes> {
  const answer = await postAs(service, client, '/oauth/device', { scope });
  assert.equal(answer.status, 200, answer.body);
  return answer.json<DeviceCodes>();
}

const poll = ({ device_code }: DeviceCodes, as = client) =>
  token(service, as, { grant_type: DEVICE_GRANT, device_code });

const fieldsOf = ({ body }: TestAnswer) =>
  Object.fromEntries([...body.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]));

/** The page of a device, up to the question whether it is theirs. */
async function enter(browser: TestBrowser, userCode: string): Promise<TestAnswer> {
  const page = await browser.fetch('/device');
  assert.equal(page.status, 200);
  return browser.fetch('/device', { xsrf: fieldsOf(page).xsrf ?? '', user_code: userCode });
}

test('a person types the code, says that the device is theirs, signs in, consents, and the device gets tokens', async () => {
  const codes = await begin();
  assert.equal(codes.verification_uri, `${ISSUER}/device`);
  assert.equal(errorOf(await poll(codes)), 'authorization_pending');
  const browser = openTestBrowser(service);
  const question = await enter(browser, codes.user_code.toLowerCase());
  assert.match(question.body, /Television &lt;1&gt;/);
  assert.ok(question.body.includes(codes.user_code));
  const { xsrf = '' } = fieldsOf(question);
  const started = await browser.fetch('/device', { xsrf, user_code: codes.user_code, confirm: 'yes' });
  const done = await goOn(browser, started, { accountId, scopes: 'posts:read offline_access' });
  assert.equal(done.location, undefined);
  assert.match(done.body, /The device is connected/);
  const answer = await poll(codes);
  assert.equal(answer.status, 200, answer.body);
  const tokens = answer.json<TestTokens>();
  assert.deepEqual(scopesOf(tokens.scope), ['offline_access', 'openid', 'posts:read']);
  assert.equal((await service.oauth.findAccessToken(tokens.access_token))?.accountId, accountId);
  assert.equal(errorOf(await poll(codes)), 'invalid_grant', 'once');
  assert.equal(await service.oauth.findAccessToken(tokens.access_token), undefined, 'and who brings it again ends it');
});

test('the address with the code in it fills it in and asks the same question', async () => {
  const codes = await begin();
  const browser = openTestBrowser(service);
  const page = await browser.fetch(codes.verification_uri_complete);
  assert.doesNotMatch(page.body, /<script/);
  const fields = fieldsOf(page);
  const question = await browser.fetch('/device', { xsrf: fields.xsrf ?? '', user_code: fields.user_code ?? '' });
  assert.match(question.body, /Is this your device/);
  assert.equal(errorOf(await poll(codes)), 'authorization_pending', 'nothing has been granted by an address alone');
});

test('what devices are given and refused is counted, and their waiting is not', async () => {
  const counted = await signInsDuring(service.metrics, async () => {
    const codes = await begin();
    assert.equal(errorOf(await poll(codes)), 'authorization_pending');
    const browser = openTestBrowser(service);
    const { xsrf = '' } = fieldsOf(await enter(browser, codes.user_code));
    const started = await browser.fetch('/device', { xsrf, user_code: codes.user_code, confirm: 'yes' });
    await goOn(browser, started, { accountId, scopes: 'posts:read offline_access' });
    const { refresh_token } = (await poll(codes)).json<TestTokens>();
    await token(service, client, { grant_type: 'refresh_token', refresh_token: refresh_token ?? '' });
    assert.equal(errorOf(await poll({ ...codes, device_code: 'made_up' })), 'invalid_grant');
  });
  assert.deepEqual(counted, { 'device ok': 1, 'device refused': 1, 'oauth_refresh ok': 1 });
});

test('who says no ends it, for the device too', async () => {
  const codes = await begin();
  const browser = openTestBrowser(service);
  const { xsrf = '' } = fieldsOf(await enter(browser, codes.user_code));
  const stopped = await browser.fetch('/device', { xsrf, user_code: codes.user_code, confirm: 'yes', abort: 'yes' });
  assert.match(stopped.body, /was stopped/);
  assert.equal(errorOf(await poll(codes)), 'access_denied');
});

test('a code that is wrong, used or old is all one', async () => {
  const used = await begin();
  const browser = openTestBrowser(service);
  const { xsrf = '' } = fieldsOf(await enter(browser, used.user_code));
  await browser.fetch('/device', { xsrf, user_code: used.user_code, confirm: 'yes' });
  const old = await begin();
  service.clock.advance(11 * MINUTE_MS);
  const pages: number[] = [];
  for (const code of [used.user_code, old.user_code, 'BBBB-BBBB', '', 'a'.repeat(500), "'; drop table x"]) {
    const page = await enter(openTestBrowser(service), code);
    assert.match(page.body, /There is no such code/, code);
    pages.push(page.status);
  }
  assert.deepEqual([...new Set(pages)], [200]);
  assert.equal(errorOf(await poll(old)), 'invalid_grant');
});

test('a form that is not ours does nothing', async () => {
  const codes = await begin();
  const browser = openTestBrowser(service);
  await enter(browser, codes.user_code);
  for (const xsrf of ['', 'x', 'a'.repeat(48)]) {
    await browser.fetch('/device', { xsrf, user_code: codes.user_code, confirm: 'yes' });
  }
  assert.equal(errorOf(await poll(codes)), 'authorization_pending');
});

test('another client cannot poll for it, and what the table holds is no device code', async () => {
  const codes = await begin();
  const other = await registerClient(service, { response_types: [], redirect_uris: [], grant_types: [DEVICE_GRANT] });
  assert.equal(errorOf(await poll(codes, other)), 'invalid_grant');
  const read = {
    name: 'test-hash',
    text: "select encode(id_hash, 'base64') as hash from oauth_artifacts where kind = 'DeviceCode'",
  };
  for (const { hash } of await service.db.query<{ hash: string }>(read)) {
    const reference = `ref:${Buffer.from(hash, 'base64').toString('base64url')}`;
    assert.equal(errorOf(await poll({ ...codes, device_code: reference })), 'invalid_grant');
  }
  const notADevice = await registerClient(service);
  assert.equal(errorOf(await postAs(service, notADevice, '/oauth/device', { scope: 'openid' })), 'invalid_request');
});
