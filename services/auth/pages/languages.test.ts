/** Every page in every language: what it says, and how the language is chosen. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ISSUER, startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openTestBrowser } from '../testing/oauth-browser.ts';
import { registerClient } from '../testing/oauth-client.ts';
import { assertSafe, open, requestOf, signInAt } from '../testing/pages.ts';
import { TEXTS } from './texts/texts.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const VIETNAMESE = { 'accept-language': 'vi-VN,vi;q=0.9,en;q=0.8' };

function assertLanguage(page: { body: string }, language: 'en' | 'vi', title: string): void {
  assert.match(page.body, new RegExp(`^<!doctype html>\n<html lang="${language}">`));
  assert.ok(page.body.includes(`<h1>${title}</h1>`), page.body);
}

test('pages speak the language that the browser asks for', async () => {
  const browser = openTestBrowser(service);
  for (const [headers, language] of [
    [VIETNAMESE, 'vi'],
    [{ 'accept-language': 'fr' }, 'en'],
    [{}, 'en'],
  ] as const) {
    const page = await browser.fetch('/device', undefined, headers);
    assertSafe(page);
    assertLanguage(page, language, TEXTS[language].device.title);
    const expired = await browser.fetch('/consent?interaction=x', undefined, headers);
    assertSafe(expired);
    assertLanguage(expired, language, TEXTS[language].problems.expiredTitle);
  }
  const failed = await browser.fetch('/oauth/authorize?client_id=nobody', undefined, VIETNAMESE);
  assertSafe(failed);
  assertLanguage(failed, 'vi', TEXTS.vi.problems.clientTitle);
  const foreign = { ...VIETNAMESE, 'sec-fetch-site': 'cross-site' };
  assertLanguage(await browser.fetch('/device', {}, foreign), 'vi', TEXTS.vi.problems.foreignTitle);
});

test('a language is chosen on any page, kept in the browser, and the page comes again as it was', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const person = await service.signUp();
  const signIn = await open(browser, requestOf(client, 'openid posts:read').address);
  const [, back = ''] = /name="back" value="([^"]*)"/.exec(signIn.body) ?? [];
  assert.match(back, /^\/signin\?interaction=/);
  const chosen = await browser.fetch('/language', { back, language: 'vi' });
  assert.equal(chosen.status, 303);
  assert.equal(chosen.location?.href, `${ISSUER}${back}`);
  assert.match(
    String(chosen.headers['set-cookie']),
    /^oxo_language=vi; path=\/; max-age=31536000; samesite=lax; httponly$/,
  );
  const again = await open(browser, chosen.location);
  assertSafe(again, 'https://app.example');
  assertLanguage(again, 'vi', TEXTS.vi.signIn.title);

  // Also after a form was sent, the page that is shown can be had in the other language.
  const wrong = await signInAt(browser, again, person.handle, 'wrong wrong wrong');
  assert.ok(wrong.body.includes(`<p role="alert" id="problem">${TEXTS.vi.refusals.CREDENTIALS_INVALID}</p>`));
  assert.ok(wrong.body.includes(`name="back" value="${back}"`));
  const consent = await signInAt(browser, again, person.handle);
  assertSafe(consent, 'https://app.example');
  assertLanguage(consent, 'vi', TEXTS.vi.consent.title);
  assert.ok(consent.body.includes(TEXTS.vi.scopes['posts:read']));
});

test('a choice of a language leads nowhere but to our pages, and other sites cannot make it', async () => {
  const browser = openTestBrowser(service);
  for (const back of ['https://evil.example/', '//evil.example', '/\\evil.example', '/oauth/authorize?x', '']) {
    const answer = await browser.fetch('/language', { back, language: 'en' });
    assert.equal(answer.location?.href, `${ISSUER}/signin`, back);
  }
  const unknown = await openTestBrowser(service).fetch('/language', { back: '/device', language: 'xx' });
  assert.equal(unknown.headers['set-cookie'], undefined);
  const foreign = await browser.fetch('/language', { language: 'vi' }, { origin: 'https://evil.example' });
  assert.equal(foreign.status, 403);
  assert.equal((await browser.fetch('/language')).status, 404);
});

test('no text was left in the other language', () => {
  const same = textsOf(TEXTS.en).filter(([path, text]) => new Map(textsOf(TEXTS.vi)).get(path) === text);
  assert.deepEqual(same, []);
});

/** The texts that are no functions, by their path. */
function textsOf(value: object, path = ''): [path: string, text: string][] {
  return Object.entries(value).flatMap(([name, each]): [string, string][] => {
    if (typeof each === 'string') return [[`${path}.${name}`, each]];
    return typeof each === 'object' && each !== null ? textsOf(each, `${path}.${name}`) : [];
  });
}
