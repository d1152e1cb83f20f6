import assert from 'node:assert/strict';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import {
  type Answered,
  agree,
  ask,
  codeRequest,
  errorIn,
  fieldsIn,
  getTokens,
  postAs,
  registerClient,
  runs,
  type Sent,
} from '../testing/oauth.ts';
import { signUp } from '../testing/people.ts';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** What every page and every error must carry. */
function requireSafe({ headers, body, status }: Pick<Answered, 'headers' | 'body' | 'status'>, what: string): void {
  const policy = String(headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/, what);
  assert.match(policy, /frame-ancestors 'none'/, what);
  assert.match(policy, /base-uri 'none'/, what);
  assert.doesNotMatch(policy, /unsafe|\*/, what);
  assert.equal(headers['x-frame-options'], 'DENY', what);
  assert.equal(headers['x-content-type-options'], 'nosniff', what);
  assert.equal(headers['referrer-policy'], 'no-referrer', what);
  assert.match(String(headers['cache-control']), /no-store/, what);
  assert.equal(headers['access-control-allow-origin'], undefined, what);
  assert.ok(status < 500, `${what}: ${status}`);
  assert.ok(!runs(body), what);
}

/** As a page of another site posts it, in the browser of the victim. */
const forgeries: readonly (Sent & { readonly what: string })[] = [
  { what: 'another site', headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } },
  { what: 'a neighbour', headers: { 'sec-fetch-site': 'same-site' } },
  { what: 'the address bar', headers: { 'sec-fetch-site': 'none' } },
  { what: 'another origin', headers: { origin: 'https://evil.example' } },
  { what: 'an origin that begins like ours', headers: { origin: 'http://127.0.0.1.evil.example' } },
];

/** Attacks on the browser in which somebody signs in. */
export const oauthPages: Cases = {
  'CSRF on sign-in: nobody is signed in as the attacker': async (world) => {
    const [attacker, client] = [await signUp(world.api), await registerClient(world)];
    const [victim, own] = [openBrowser(world.stack.urls.frontDoor), openBrowser(world.stack.urls.frontDoor)];
    const page = await victim.open(codeRequest(client).path);
    const theirs = fieldsIn(await own.open(codeRequest(client).path));
    const credentials = { identifier: attacker.handle, password: attacker.password };
    const right: Record<string, string> = { ...fieldsIn(page), ...credentials };
    for (const { what, headers } of forgeries) {
      const answer = await ask(world, '/signin', { form: right, headers: headers ?? {}, as: victim });
      assert.equal(answer.status, 403, what);
      requireSafe(answer, what);
    }
    const { token: _, ...without } = right;
    for (const [what, form] of Object.entries({
      'no token': without,
      'an empty token': { ...right, token: '' },
      'the token of another browser': { ...right, token: theirs.token ?? '' },
      'the form of another browser': { ...theirs, ...credentials },
      'the token in the address': without,
    })) {
      const path = what.includes('address') ? `/signin?token=${right.token}` : '/signin';
      const { status, location } = await ask(world, path, { form, as: victim });
      assert.ok([400, 403].includes(status) && location === undefined, `${what}: ${status} ${location}`);
    }
    const json = await ask(world, '/signin', { json: right, as: victim });
    assert.equal(json.status, 400);
    const text = await ask(world, '/signin', {
      ...{ json: new URLSearchParams(right).toString(), headers: { 'content-type': 'text/plain' }, as: victim },
    });
    assert.equal(text.status, 400);
    assert.equal((await ask(world, `/signin?${new URLSearchParams(right)}`, { as: victim })).location, undefined);
  },

  'CSRF on consent: nobody consents but by the button of their own page': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const browser = openBrowser(world.stack.urls.frontDoor);
    const page = await browser.submit(await browser.open(codeRequest(client).path), {
      ...{ identifier: person.handle, password: person.password },
    });
    assert.equal(page.url.pathname, '/consent');
    const right: Record<string, string> = { ...fieldsIn(page), decision: 'allow' };
    for (const { what, headers } of forgeries) {
      const answer = await ask(world, '/consent', { form: right, headers: headers ?? {}, as: browser });
      assert.equal(answer.status, 403, what);
      requireSafe(answer, what);
    }
    const attacker = await signUp(world.api);
    const other = (await getTokens(world, client, attacker)).browser;
    const theirs = fieldsIn(await other.open(codeRequest(client).path));
    for (const form of [
      { ...right, token: '' },
      { ...right, token: theirs.token ?? '' },
      { ...theirs, decision: 'allow' },
    ]) {
      const { status, location } = await ask(world, '/consent', { form, as: browser });
      assert.ok([400, 403].includes(status) && location === undefined, `${status} ${location}`);
    }
    // By an address alone nothing is agreed to.
    const query = new URLSearchParams(right);
    for (const path of [`/consent?${query}`, `/consent?${query}&interaction=${right.interaction}`]) {
      const { location } = await ask(world, path, { as: browser });
      assert.equal(location?.searchParams.get('code') ?? null, null, path);
    }
    const { consents } = await world.api.get<{ consents: object[] }>({ path: '/consents', token: person.accessToken });
    assert.deepEqual(consents, []);
    assert.ok((await agree(browser, page, person, ['posts:read'])).url.searchParams.get('code'));
    // Going on without having answered asks again.
    const again = (await browser.open(codeRequest(client).path)).url.searchParams.get('interaction');
    const resumed = await ask(world, `/oauth/authorize/${again}?decision=allow`, { as: browser });
    assert.equal(resumed.location?.pathname, '/consent');
  },

  'CSRF on the pages for devices and for signing out': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const { browser, access_token } = await getTokens(world, client, person, { scope: 'openid posts:read' });
    const device = await registerClient(world, {
      ...{ redirect_uris: [], response_types: [], grant_types: [deviceGrant], token_endpoint_auth_method: 'none' },
    });
    const codes = JSON.parse((await postAs(world, device, '/oauth/device', { scope: 'posts:read' })).body);
    const asked = await browser.submit(await browser.open('/device'), { user_code: codes.user_code });
    const signOut = await browser.open('/oauth/logout');
    const forms: [path: string, form: Record<string, string>][] = [
      ['/device', { ...fieldsIn(asked), user_code: codes.user_code, confirm: 'yes' }],
      ['/oauth/logout/confirm', { ...fieldsIn(signOut), logout: 'yes' }],
    ];
    for (const [path, form] of forms) {
      for (const { what, headers } of forgeries) {
        const answer = await ask(world, path, { form, headers: headers ?? {}, as: browser });
        assert.equal(answer.status, 403, `${path} ${what}`);
        requireSafe(answer, path);
      }
      for (const xsrf of ['', 'x', 'a'.repeat(48)]) {
        const { location } = await ask(world, path, { form: { ...form, xsrf }, as: browser });
        assert.equal(location, undefined, `${path} ${xsrf}`);
      }
    }
    const poll = { grant_type: deviceGrant, device_code: codes.device_code };
    assert.equal(errorIn(await postAs(world, device, '/oauth/token', poll)), 'authorization_pending');
    const complete = await ask(
      world,
      new URL(codes.verification_uri_complete).pathname + new URL(codes.verification_uri_complete).search,
      { as: browser },
    );
    assert.equal(complete.status, 200);
    assert.equal((await world.api.call({ path: '/feed/public', token: access_token })).status, 200, 'signed in still');
  },

  'session fixation: cookies that somebody else has chosen': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const [attacker, victim] = [openBrowser(world.stack.urls.frontDoor), openBrowser(world.stack.urls.frontDoor)];
    await attacker.open('/device');
    const name = 'oxo_oauth_session';
    const planted = attacker.cookies.get(name) ?? assert.fail();
    const signature = attacker.cookies.get(`${name}.sig`) ?? assert.fail();
    // The victim's browser has the attacker's cookies when it signs in.
    const page = await victim.open(codeRequest(client).path);
    const cookie = [...victim.cookies, [name, planted], [`${name}.sig`, signature]]
      .map((it) => it.join('='))
      .join('; ');
    const form = { ...fieldsIn(page), identifier: person.handle, password: person.password };
    const signedIn = await ask(world, '/signin', { form, headers: { cookie } });
    const resumed = await ask(world, signedIn.location?.pathname ?? assert.fail(signedIn.body), {
      headers: { cookie },
    });
    const given = [resumed.headers['set-cookie'] ?? []].flat().join('\n');
    assert.match(given, new RegExp(`${name}=`), 'another session');
    assert.doesNotMatch(given, new RegExp(`${name}=${planted}`));
    for (const line of [resumed.headers['set-cookie'] ?? []].flat()) assert.match(line, /httponly/i);
    for (const value of [planted, 'planted', '']) {
      for (const sig of [signature, 'A'.repeat(27), '']) {
        const silent = codeRequest(client, { prompt: 'none' }).path;
        const headers = { cookie: `${name}=${value}; ${name}.sig=${sig}` };
        const { location } = await ask(world, silent, { headers });
        assert.equal(location?.searchParams.get('error'), 'login_required', value);
      }
    }
  },

  'clickjacking: no page and no error is shown in a frame, or read by another site': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const browser = openBrowser(world.stack.urls.frontDoor);
    const signIn = await browser.open(codeRequest(client).path);
    const consent = await browser.submit(signIn, { identifier: person.handle, password: person.password });
    requireSafe(signIn, 'sign-in');
    requireSafe(consent, 'consent');
    const headers = { origin: 'https://evil.example' };
    for (const path of [
      ...['/device', '/device?user_code=BBBB-BBBB', '/device/x', '/oauth/logout', '/oauth/logout/success', '/signin'],
      ...[
        '/consent',
        '/signin?interaction=x',
        '/oauth/authorize',
        '/oauth/authorize/x',
        '/oauth/authorize?client_id=x',
      ],
      codeRequest(client, { redirect_uri: 'https://evil.example' }).path,
    ]) {
      requireSafe(await ask(world, path, { headers, as: browser }), path);
    }
    for (const path of ['/signin', '/consent', '/device', '/oauth/logout/confirm']) {
      requireSafe(await ask(world, path, { form: { a: 'b' }, headers, as: browser }), `POST ${path}`);
      const asked = { ...headers, 'access-control-request-method': 'POST' };
      const preflight = await ask(world, path, { method: 'OPTIONS', headers: asked, as: browser });
      assert.equal(preflight.headers['access-control-allow-origin'], undefined, path);
    }
  },

  'spoofed headers: nothing that a request says of itself changes where pages lead to': async (world) => {
    const client = await registerClient(world);
    const issuer = world.stack.publicUrl;
    const spoofed: Record<string, string>[] = [
      { host: 'evil.example' },
      { 'x-forwarded-host': 'evil.example', 'x-forwarded-port': '444', 'x-forwarded-server': 'evil.example' },
      { forwarded: 'for=1.2.3.4;host=evil.example;proto=https', 'x-real-ip': '127.0.0.1' },
      { 'x-forwarded-proto': 'https', 'x-forwarded-scheme': 'https', 'x-url-scheme': 'https' },
      { 'x-original-url': '/internal/exchange', 'x-rewrite-url': '/internal/exchange', 'x-envoy-original-path': '/x' },
      { 'x-http-method-override': 'POST', 'x-forwarded-prefix': '/evil', 'x-forwarded-path': '//evil.example' },
    ];
    for (const headers of spoofed) {
      const { location, headers: answered, body } = await ask(world, codeRequest(client).path, { headers });
      assert.equal(location?.origin, issuer, JSON.stringify(headers));
      assert.equal(location?.pathname, '/signin');
      assert.doesNotMatch(body + JSON.stringify(answered), /evil/);
      const cookies = [answered['set-cookie'] ?? []].flat();
      assert.ok(cookies.length > 0 && cookies.every((line) => !/domain=|;\s*secure/i.test(line)), cookies.join());
      const page = await ask(world, '/device', { headers });
      assert.doesNotMatch(page.body, /evil/);
      assert.equal(page.status, 200);
    }
  },
};
