import assert from 'node:assert/strict';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import { inDatabase } from '../testing/database.ts';
import { ask, callback, codeRequest, getTokens, postAs, registerClient, runs, type Sent } from '../testing/oauth.ts';
import { signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';
import { sql } from './injection.ts';

const html = [`"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, '{{7*7}}<%= 7*7 %>'];
const breaks = [
  'a\r\nset-cookie: planted=1',
  'a\nset-cookie: planted=1',
  'a\u560d\u560aset-cookie: planted=1',
  'a\u0000b',
];

function countRows({ stack }: World): Promise<unknown> {
  return inDatabase(stack.urls.database, async (client) => {
    const { rows } = await client.query(
      `select (select count(*) from auth.accounts) as accounts, (select count(*) from auth.oauth_clients) as clients,
        (select count(*) from auth.oauth_grants) as grants, (select count(*) from auth.consents) as consents`,
    );
    return rows[0];
  });
}

/** Nothing broke, nothing came along, nothing runs. */
async function requireHarmless(world: World, what: string, path: string, sent: Sent = {}): Promise<void> {
  const { status, headers, body, location } = await ask(world, path, sent);
  assert.ok(status < 500, `${what}: ${status} ${body}`);
  const cookies = [headers['set-cookie'] ?? []].flat();
  assert.ok(!cookies.some((line) => line.startsWith('planted')), what);
  assert.equal(headers.planted, undefined, what);
  if (String(headers['content-type']).includes('html')) {
    assert.ok(!runs(body), what);
    assert.doesNotMatch(body, /\b49\b/, what);
  }
  assert.ok(location === undefined || ['https://app.example', world.stack.publicUrl].includes(location.origin), what);
  assert.doesNotMatch(body, /syntax error|node_modules|at \w+ \(|SQLSTATE/i, what);
}

/** What is data at OAuth's paths stays data, and has an end. */
export const oauthInjection: Cases = {
  'SQL, HTML and line breaks in every parameter of OAuth and its pages': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const { browser } = await getTokens(world, client, person);
    const page = await browser.open(codeRequest(client).path);
    assert.equal(page.status, 200);
    const before = await countRows(world);
    const names = [
      ...['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'nonce', 'prompt', 'max_age', 'login_hint'],
      ...[
        'ui_locales',
        'claims',
        'acr_values',
        'display',
        'id_token_hint',
        'code_challenge',
        'response_mode',
        'resource',
      ],
    ];
    for (const text of [...sql, ...html, ...breaks]) {
      for (const name of names) {
        const { path } = codeRequest(client, { [name]: text });
        await requireHarmless(world, `${name}: ${text}`, path);
      }
      const parameters = [
        'code',
        'refresh_token',
        'client_id',
        'client_secret',
        'redirect_uri',
        'code_verifier',
        'scope',
      ];
      for (const grant_type of ['authorization_code', 'refresh_token', text]) {
        for (const name of parameters) {
          await requireHarmless(world, `${grant_type} ${name}: ${text}`, '/oauth/token', {
            form: { client_id: client.id, client_secret: client.secret ?? '', grant_type, [name]: text },
          });
        }
      }
      for (const path of ['/oauth/introspect', '/oauth/revoke', '/oauth/device']) {
        await requireHarmless(world, `${path}: ${text}`, path, {
          form: {
            client_id: client.id,
            client_secret: client.secret ?? '',
            token: text,
            scope: text,
            token_type_hint: text,
          },
        });
      }
      const json = { client_name: text, redirect_uris: [callback, text], client_uri: text, software_id: text };
      await requireHarmless(world, `register: ${text}`, '/oauth/register', { json });
      const fields = { interaction: text, token: text, identifier: text, password: text, scope: text, decision: text };
      for (const path of ['/signin', '/consent', '/device', '/oauth/logout/confirm']) {
        await requireHarmless(world, `${path}: ${text}`, path, {
          form: { ...fields, user_code: text, xsrf: text },
          as: browser,
        });
        const part = encodeURIComponent(text);
        await requireHarmless(
          world,
          `${path}?: ${text}`,
          `${path}?interaction=${part}&user_code=${part}&error=${part}`,
        );
      }
      for (const path of ['/oauth/authorize/', '/device/', '/oauth/logout?id_token_hint=', '/oauth/logout?state=']) {
        await requireHarmless(world, `${path}${text}`, `${path}${encodeURIComponent(text)}`, { as: browser });
      }
      const cookie = ['oxo_oauth_session', 'oxo_oauth_interaction', 'oxo_oauth_resume']
        .map((name) => `${name}=${encodeURIComponent(text)}; ${name}.sig=${encodeURIComponent(text)}`)
        .join('; ');
      await requireHarmless(world, `cookies: ${text}`, codeRequest(client).path, { headers: { cookie } });
    }
    assert.deepEqual(await countRows(world), before);
  },

  'a client whose name is HTML, on every page that shows it': async (world) => {
    const person = await signUp(world.api);
    for (const text of html) {
      const client = await registerClient(world, { client_name: text, client_uri: 'https://app.example/"onclick="x' });
      const browser = openBrowser(world.stack.urls.frontDoor);
      const { path } = codeRequest(client, { login_hint: text, state: text });
      const signIn = await browser.open(path);
      const consent = await browser.submit(signIn, { identifier: person.handle, password: person.password });
      for (const { body } of [signIn, consent]) {
        assert.ok(!runs(body), body);
        assert.doesNotMatch(body, /\b49\b|"onclick/);
      }
      const { url } = await browser.submit(consent, {}, 'Allow');
      assert.equal(url.searchParams.get('state'), text);
    }
  },

  'over-long everything at OAuth and its pages': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const { browser } = await getTokens(world, client, person);
    const page = await browser.open(codeRequest(client).path);
    const interaction = page.url.searchParams.get('interaction') ?? assert.fail();
    const [some, much] = ['a'.repeat(12_000), 'a'.repeat(100_000)];
    const refused = async (what: string, path: string, sent: Sent = {}) => {
      const { status, body } = await ask(world, path, sent);
      assert.ok(status >= 400 && status < 500, `${what}: ${status} ${body.slice(0, 200)}`);
    };
    for (const name of [
      'client_id',
      'redirect_uri',
      'state',
      'nonce',
      'scope',
      'login_hint',
      'code_challenge',
      'claims',
    ]) {
      await refused(`${name}, too long for a path`, codeRequest(client, { [name]: much }).path);
    }
    for (const name of ['client_id', 'redirect_uri']) await refused(name, codeRequest(client, { [name]: some }).path);
    const secret = client.secret ?? '';
    const own = { client_id: client.id, client_secret: secret };
    for (const grant_type of ['authorization_code', 'refresh_token', some]) {
      for (const name of ['code', 'refresh_token', 'client_id', 'client_secret', 'code_verifier', 'scope']) {
        await refused(`${grant_type.slice(0, 30)} ${name}`, '/oauth/token', {
          form: { ...own, grant_type, [name]: some },
        });
        await refused(`${name}, more`, '/oauth/token', { form: { ...own, grant_type, [name]: much } });
      }
    }
    const many: [string, string][] = Array.from({ length: 4_000 }, (_, number) => [`a${number}`, '1']);
    await refused('many fields', '/oauth/token', { form: many });
    await refused('many fields of one name', '/signin', { form: many.map(() => ['scope', 'a']), as: browser });
    for (const path of ['/signin', '/consent', '/device', '/oauth/logout/confirm']) {
      await refused(`${path}, much`, path, { form: { interaction, token: much }, as: browser });
      await refused(`${path}, some`, path, {
        form: { interaction, token: some, xsrf: some, user_code: some },
        as: browser,
      });
    }
    await refused('a name', '/oauth/register', { json: { client_name: some, redirect_uris: [callback] } });
    await refused('an address', '/oauth/register', { json: { redirect_uris: [`${callback}?${some}`] } });
    await refused('addresses', '/oauth/register', {
      json: { redirect_uris: Array.from({ length: 500 }, (_, n) => `${callback}?${n}`) },
    });
    await refused('depth', '/oauth/register', { json: `${'['.repeat(20_000)}${']'.repeat(20_000)}` });
    await refused('cookies', '/device', { headers: { cookie: `oxo_oauth_session=${much}` } });
    await refused('a bearer', '/oauth/userinfo', { headers: { authorization: `Bearer ${some}` } });
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    for (const text of [`${some}:a`, `a:${some}`, ':'.repeat(9_000), '']) {
      const form = { grant_type: 'client_credentials' };
      await refused('Basic', '/oauth/token', { form, headers: basic(text) });
    }
    const { status } = await postAs(world, client, '/oauth/revoke', { token: some });
    assert.ok(status < 500);
    assert.equal((await browser.open('/device')).status, 200, 'and it goes on');
  },
};
