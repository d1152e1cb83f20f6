import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { ask, callback, codeRequest, errorIn, getTokens, type OAuthClient, registerClient } from '../testing/oauth.ts';
import { signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

/** The request gets a page of ours, and neither a code nor an error goes anywhere. */
async function requireNowhere(world: World, what: string, path: string): Promise<void> {
  const { status, location, headers, body } = await ask(world, path);
  assert.deepEqual([status, location], [400, undefined], what);
  assert.match(String(headers['content-type']), /^text\/html/, what);
  assert.doesNotMatch(body, /http-equiv|href="[^"]*evil|action="[^"]*evil/i, what);
  assert.equal(headers.refresh, undefined, what);
}

async function requireAllNowhere(world: World, client: OAuthClient, uris: readonly (string | undefined)[]) {
  for (const uri of uris) await requireNowhere(world, String(uri), codeRequest(client, { redirect_uri: uri }).path);
}

/** Addresses that look like one that was registered. */
export const oauthRedirects: Cases = {
  'redirect_uri tricks on a web client': async (world) => {
    const client = await registerClient(world);
    await requireAllNowhere(world, client, [
      ...[undefined, '', 'null', '*', '/', '/callback', '.', '//app.example/callback'],
      ...[`${callback}/`, `${callback}/more`, `${callback}more`, 'https://app.example/callbac', 'https://app.example/'],
      ...[`${callback}?a=1`, `${callback}?`, `${callback};a=1`, `${callback}&state=2`],
      ...[`${callback}#`, `${callback}#fragment`, `${callback}%23`, 'https://evil.example/#@app.example/callback'],
      ...['https://app.example/%63allback', 'https://app.example/callback%00', 'https://app.example%2fcallback'],
      ...['https://app.example/callback%0d%0aset-cookie:a=1', 'https://app.example/callback\r\n', `${callback}\t`],
      ...['https://user@app.example/callback', 'https://app.example:x@evil.example/callback'],
      ...['https://app.example@evil.example/callback', 'https://evil.example\\@app.example/callback'],
      ...['https://app.example%40evil.example/callback', 'https://app.example\u3002evil.example/callback'],
      ...['https://app.example/../callback', 'https://app.example/x/../callback', 'https://app.example/./callback'],
      ...['https://app.example/callback/..', 'https://app.example/%2e%2e/callback', 'https://app.example//callback'],
      ...['https://APP.example/callback', 'HTTPS://app.example/callback', 'https://app.example./callback'],
      ...['https://app.example:443/callback', 'https://app.example:8443/callback', 'http://app.example/callback'],
      ...['https://app.example.evil.example/callback', 'https://evil-app.example/callback', 'https://evilapp.example/'],
      ...['http://localhost/callback', 'http://127.0.0.1/callback', 'https://localhost/callback'],
      ...['javascript:alert(1)//https://app.example/callback', 'data:text/html,x', 'file:///callback', 'app:/callback'],
      ...[' https://app.example/callback', 'https://app.example/callback ', 'https:app.example/callback'],
      `${callback}?${'a'.repeat(3_000)}`,
    ]);
    const { path } = codeRequest(client);
    const evil = encodeURIComponent('https://evil.example');
    for (const more of [`&redirect_uri=${evil}`, `&redirect_uri=${encodeURIComponent(callback)}`]) {
      await requireNowhere(world, more, `${path}${more}`);
    }
    // What is no parameter of ours changes nothing.
    for (const more of ['redirect_uri[]', 'redirect_uri%00', 'redirectUri', 'REDIRECT_URI', 'return_to', 'next']) {
      const { location, headers } = await ask(world, `${path}&${more}=${evil}`);
      assert.ok([world.stack.publicUrl, 'https://app.example'].includes(location?.origin ?? ''), more);
      assert.ok(!String(headers['set-cookie']).includes('evil'), more);
    }
  },

  'redirect_uri tricks on an app of one’s own machine: only the port of a loopback address is free': async (world) => {
    const registered = { redirect_uris: ['http://127.0.0.1/back', 'http://[::1]/back', 'http://localhost:3000/back'] };
    const client = await registerClient(world, { application_type: 'native', ...registered });
    for (const good of ['http://127.0.0.1:1/back', 'http://127.0.0.1:65535/back', 'http://[::1]:50000/back']) {
      const { location } = await ask(world, codeRequest(client, { redirect_uri: good }).path);
      assert.equal(location?.origin, world.stack.publicUrl, good);
    }
    await requireAllNowhere(world, client, [
      ...[
        'http://localhost/back',
        'http://localhost:3001/back',
        'http://LOCALHOST:3000/back',
        'http://localhost.:3000/back',
      ],
      ...[
        'http://127.0.0.1:0/back',
        'http://127.0.0.1:65536/back',
        'http://127.0.0.1:/back',
        'http://127.0.0.1:-1/back',
      ],
      ...[
        'http://127.0.0.1:80@evil.example/back',
        'http://127.0.0.1:1.evil.example/back',
        'http://127.0.0.1.evil.example/back',
      ],
      ...[
        'http://127.0.0.2/back',
        'http://127.1/back',
        'http://2130706433/back',
        'http://0x7f.0.0.1/back',
        'http://0/back',
      ],
      ...[
        'http://[::ffff:127.0.0.1]/back',
        'http://[0:0:0:0:0:0:0:1]/back',
        'http://[::1].evil.example/back',
        'http://[::]/back',
      ],
      ...[
        'https://127.0.0.1/back',
        'http://127.0.0.1/other',
        'http://127.0.0.1:1/back/',
        'http://127.0.0.1:1/back?a=1',
      ],
      ...[
        'http://127.0.0.1:1/back#a',
        'http://127.0.0.1:1/../back',
        'http://a@127.0.0.1:1/back',
        'http://127.0.0.1:1\\back',
      ],
    ]);
  },

  'addresses that nobody may register': async (world) => {
    const refused = async (what: string, metadata: object) => {
      const json = { client_name: 'Evil', redirect_uris: [callback], ...metadata };
      const error = errorIn(await ask(world, '/oauth/register', { json }));
      assert.match(error, /^invalid_(redirect_uri|client_metadata)$/, what);
    };
    for (const uri of [
      ...['http://app.example/', 'http://localhost/', 'http://127.0.0.1/', 'javascript:alert(1)', 'data:text/html,x'],
      ...['https://a@app.example/', 'https://a:b@app.example/', 'https://app.example/#a', 'https://app.example/\\a'],
      ...[
        'https://app.example/../a',
        'https://app.example/%2e%2e/a',
        'https://app.example/ a',
        'https://\u00e4.example/',
      ],
      ...['//app.example/', 'app.example', '', 'https://', 'https:///a', 'vbscript:a', 'com.app:/a'],
    ]) {
      await refused(uri, { redirect_uris: [uri] });
      await refused(uri, { redirect_uris: [callback, uri] });
      await refused(uri, { post_logout_redirect_uris: [uri] });
    }
    for (const uri of [
      'http://app.example/',
      'http://127.0.0.1.evil.example/',
      'http://0.0.0.0/',
      'http://10.0.0.1/',
    ]) {
      await refused(uri, { application_type: 'native', redirect_uris: [uri] });
    }
    // Nothing in a registration makes us call anybody, or believe somebody's keys.
    for (const name of ['jwks_uri', 'sector_identifier_uri', 'request_uris', 'backchannel_logout_uri']) {
      const json = { client_name: 'Evil', redirect_uris: [callback], [name]: 'http://127.0.0.1:1/' };
      const { status, body } = await ask(world, '/oauth/register', { json });
      assert.ok(status === 400 || !body.includes('127.0.0.1:1'), `${name}: ${body}`);
    }
  },

  'tricks with where signing out leads to': async (world) => {
    const bye = 'https://app.example/bye';
    const [person, client] = [
      await signUp(world.api),
      await registerClient(world, { post_logout_redirect_uris: [bye] }),
    ];
    const { browser, id_token } = await getTokens(world, client, person);
    const query = (more: Record<string, string>) => `/oauth/logout?${new URLSearchParams(more)}`;
    const evil = { post_logout_redirect_uri: 'https://evil.example' };
    for (const [what, path] of Object.entries({
      'without a hint': query(evil),
      'with one': query({ id_token_hint: id_token, ...evil }),
      'with the client': query({ client_id: client.id, ...evil }),
      'a longer one': query({ id_token_hint: id_token, post_logout_redirect_uri: `${bye}/..` }),
      'a fragment': query({ id_token_hint: id_token, post_logout_redirect_uri: `${bye}#a` }),
      'another name for it': query({
        id_token_hint: id_token,
        redirect_uri: 'https://evil.example',
        next: '//evil.example',
      }),
      twice: `${query({ id_token_hint: id_token, post_logout_redirect_uri: bye })}&post_logout_redirect_uri=https%3A%2F%2Fevil.example`,
    })) {
      const { location, body, headers } = await ask(world, path, { as: browser });
      assert.equal(location, undefined, what);
      // Who chooses a language comes back to the same address of ours.
      assert.doesNotMatch(body.replaceAll(/name="back" value="\/[^"]*"/g, ''), /evil\.example/, what);
      assert.doesNotMatch(String(headers['content-security-policy']), /evil\.example/, what);
    }
  },
};
