import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { SECOND_MS } from '#kit/clock.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { codeOf } from '../testing/authenticator-app.ts';
import { openTestBrowser } from '../testing/oauth-browser.ts';
import { registerClient } from '../testing/oauth-client.ts';
import { allowAt, open, requestOf, signInAt, submit, tokensFor } from '../testing/pages.ts';
import { PASSWORD } from '../testing/signers.ts';

const SCOPE = 'openid feed:read';
let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

async function enrolled() {
  const person = await service.signUp();
  const { secret } = await service.mfa(person.accessToken).enrolTotp({});
  const code = (later = 0) => codeOf(secret, service.clock.nowMs() + later * 30 * SECOND_MS);
  await service.mfa(person.accessToken).confirmTotp({ otp: code() });
  return { ...person, code };
}

test('who has an authenticator app needs its code to go on to an app, which is told so', async () => {
  const [client, browser, person] = [await registerClient(service), openTestBrowser(service), await enrolled()];
  const request = requestOf(client, SCOPE);
  const asked = await signInAt(browser, await open(browser, request.address), person.handle);
  assert.match(asked.body, /autocomplete="one-time-code"/);
  assert.doesNotMatch(asked.body, /<p role="alert"/);
  const typed = { identifier: person.handle, password: PASSWORD };
  const wrong = await submit(browser, asked, { ...typed, otp: '000000' });
  assert.equal(wrong.status, 400);
  assert.match(wrong.body, /The code is wrong/);
  const consent = await open(browser, (await submit(browser, wrong, { ...typed, otp: person.code(1) })).location ?? '');
  const { id_token: idToken } = await tokensFor(service, client, request, await allowAt(browser, consent));
  assert.deepEqual([...(decodeJwt(idToken).amr as string[])].sort(), ['mfa', 'otp', 'pwd']);
});

test('a password alone is told to apps as that', async () => {
  const [client, browser, person] = [await registerClient(service), openTestBrowser(service), await service.signUp()];
  const request = requestOf(client, SCOPE);
  const consent = await signInAt(browser, await open(browser, request.address), person.handle);
  const { id_token: idToken } = await tokensFor(service, client, request, await allowAt(browser, consent));
  assert.deepEqual(decodeJwt(idToken).amr, ['pwd']);
});
