import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import {
  type Answered,
  ask,
  codeRequest,
  fieldsIn,
  getCode,
  getTokens,
  postAs,
  redeem,
  registerClient,
  type Sent,
  tokensIn,
} from '../testing/oauth.ts';
import { signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

const awayMs = 1_000;

/** A program is told so as OAuth says it, a person by a page; both are told when to come again. */
function requireAway({ status, headers, body }: Answered, what: string, isPage: boolean): void {
  assert.equal(status, 503, `${what}: ${body}`);
  assert.equal(headers['retry-after'], '1', what);
  assert.match(String(headers['content-type']), isPage ? /^text\/html/ : /^application\/json/, `${what}: ${body}`);
  if (isPage) assert.match(body, /is away\. Try again/, what);
  else assert.equal(JSON.parse(body).error, 'temporarily_unavailable', what);
}

async function requireAllAway(world: World, pages: Record<string, Sent>, endpoints: Record<string, Sent>) {
  const lanes = [pages, endpoints].map((asked) => Object.entries(asked));
  for (const [index, asked] of lanes.entries()) {
    const answers = await Promise.all(asked.map(([path, sent]) => ask(world, path.replace(/ .*/, ''), sent)));
    for (const [number, answer] of answers.entries()) requireAway(answer, asked[number]?.[0] ?? '', index === 0);
  }
}

/** OAuth and its pages, while what they are kept in is away. */
export const oauthOutages: Cases = {
  'user away: userinfo says so': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const { access_token } = await getTokens(world, client, person, { scope: 'openid profile offline_access' });
    const userinfo = { headers: { authorization: `Bearer ${access_token}` } };
    assert.equal((await ask(world, '/oauth/userinfo', userinfo)).status, 200);
    await world.outage('user', awayMs, async () => {
      requireAway(await ask(world, '/oauth/userinfo', userinfo), 'userinfo', false);
    });
    // Auth connects anew when its time has come.
    await until('it is back', async () => (await ask(world, '/oauth/userinfo', userinfo)).status === 200);
  },

  'auth away: the front door says so in its place, as OAuth does and by a page': async (world) => {
    const html = { headers: { accept: 'text/html' } };
    const pages = ['/signin', '/account', '/device', '/oauth/authorize?client_id=x'];
    await world.outage('auth', awayMs, () =>
      requireAllAway(world, Object.fromEntries(pages.map((path) => [path, html])), {
        '/oauth/token': { form: { grant_type: 'client_credentials' } },
        '/oauth/introspect': { form: { token: 'x' } },
      }),
    );
    await until('it is back', async () => (await ask(world, '/device')).status === 200);
  },

  'Postgres away: OAuth and its pages say so, and nothing is used up': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const { browser, ...tokens } = await getTokens(world, client, person);
    const code = await getCode(world, client, person);
    const visitor = openBrowser(world.stack.urls.frontDoor);
    const credentials = { identifier: person.handle, password: person.password };
    const signIn = await visitor.open(codeRequest(client).path);
    const deciding = openBrowser(world.stack.urls.frontDoor);
    const consent = await deciding.submit(await deciding.open(codeRequest(client).path), credentials);
    const own = { client_id: client.id, client_secret: client.secret ?? '' };
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    const form = { ...fieldsIn(consent), decision: 'allow' };
    const bearer = { authorization: `Bearer ${tokens.access_token}`, accept: 'application/json' };
    await world.outage('postgres', awayMs, () =>
      requireAllAway(
        world,
        {
          [codeRequest(client).path]: {},
          [`/signin${signIn.url.search}`]: { as: visitor },
          '/signin ': { form: { ...fieldsIn(signIn), ...credentials }, as: visitor },
          [`/consent${consent.url.search}`]: { as: deciding },
          '/consent ': { form, as: deciding },
          '/device': {},
          '/device ': { as: browser },
          '/device/x': {},
          '/device/y': { as: browser },
          '/device  ': { form: { user_code: 'BBBB-BBBB', xsrf: 'x' }, headers: { accept: 'text/html' } },
          '/oauth/logout': { as: browser },
        },
        {
          '/oauth/token code': { form: { ...own, ...redeem(client, code) } },
          '/oauth/token refresh': { form: { ...own, ...refresh } },
          '/oauth/introspect': { form: { ...own, token: tokens.access_token } },
          '/oauth/revoke': { form: { ...own, token: tokens.access_token } },
          '/oauth/device': { form: own },
          '/oauth/register': { json: { redirect_uris: [client.redirectUri] } },
          '/oauth/userinfo': { headers: bearer },
        },
      ),
    );
    await until('it is back', async () => (await ask(world, '/device')).status === 200);
    tokensIn(await postAs(world, client, '/oauth/token', redeem(client, code)));
    tokensIn(await postAs(world, client, '/oauth/token', refresh));
    assert.equal((await ask(world, '/consent', { form, as: deciding })).status, 303);
  },
};
