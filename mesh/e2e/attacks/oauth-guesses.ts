import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import { signUpAdmin } from '../testing/admins.ts';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import { ask, codeRequest, fieldsIn, getTokens, postAs, registerClient } from '../testing/oauth.ts';
import { newHandle, signUp } from '../testing/people.ts';
import { guessesOfAccount } from './accounts.ts';

/** What differs from answer to answer whatever is asked; a page has its identifier in it. */
const ownOfEachAnswer = /^(date|content-length|x-request-id|x-envoy-upstream-service-time|(x-)?ratelimit-.*)$/;

/** Who tries what there is. */
export const oauthGuesses: Cases = {
  'wording of the sign-in page and of OAuth that tells what there is': async (world) => {
    const [person, gone, client] = [await signUp(world.api), await signUp(world.api), await registerClient(world)];
    await world.api.get({ method: 'DELETE', path: '/users/me', token: gone.accessToken });
    const browser = openBrowser(world.stack.urls.frontDoor);
    const page = await browser.open(codeRequest(client).path);
    const said = new Map<string, string>();
    for (const [identifier, password] of [
      [person.handle, 'a wrong password 17'],
      [gone.handle, gone.password],
      [newHandle(), 'a wrong password 17'],
      [`${person.handle}@oxo.example`, person.password],
      ['nobody@oxo.example', 'a wrong password 17'],
    ] as const) {
      const answer = await ask(world, '/signin', { form: { ...fieldsIn(page), identifier, password }, as: browser });
      const others = Object.entries(answer.headers).filter(([name]) => !ownOfEachAnswer.test(name));
      const body = answer.body.replace(/name="identifier" value="[^"]*"/, '');
      said.set(JSON.stringify([answer.status, others, body]), identifier);
    }
    assert.equal(said.size, 1, [...said].join('\n'));
    // A client that is not there and one whose secret is wrong are one.
    const form = { grant_type: 'client_credentials' };
    const [wrong, unknown] = [
      await postAs(world, { ...client, secret: 'wrong' }, '/oauth/token', form),
      await postAs(world, { ...client, id: 'unknown' }, '/oauth/token', form),
    ];
    assert.deepEqual([wrong.status, wrong.body], [unknown.status, unknown.body]);
    // So are codes and tokens that were never given, and those that are of somebody else.
    const token = { grant_type: 'refresh_token', refresh_token: 'a'.repeat(43) };
    const { refresh_token } = await getTokens(world, client, person);
    const other = await registerClient(world);
    const [never, theirs] = [
      await postAs(world, other, '/oauth/token', token),
      await postAs(world, other, '/oauth/token', { ...token, refresh_token }),
    ];
    assert.deepEqual([never.status, never.body], [theirs.status, theirs.body]);
  },

  'brute force at the sign-in page over many networks: it ends, and counts together with that by the API': async (
    world,
  ) => {
    const [person, client, admin] = [await signUp(world.api), await registerClient(world), await signUpAdmin(world)];
    const browser = openBrowser(world.stack.urls.frontDoor);
    const page = await browser.open(codeRequest(client).path);
    const guess = async (number: number, password = 'a wrong password 17') => {
      const form = { ...fieldsIn(page), identifier: person.handle, password };
      const headers = { 'x-forwarded-for': `198.18.7.${number}` };
      return (await ask(world, '/signin', { form, headers, as: browser })).status;
    };
    const statuses: number[] = [];
    for (let number = 1; number <= guessesOfAccount + 3; number += 1) statuses.push(await guess(number));
    assert.equal(statuses[0], 400);
    assert.deepEqual(new Set(statuses.slice(guessesOfAccount)), new Set([429]), statuses.join());
    assert.equal(await guess(200, person.password), 429, 'the right password tells a stranger nothing then');
    const byApi = { identifier: person.handle, password: person.password };
    const headers = { 'x-forwarded-for': '198.18.7.201' };
    assert.equal((await world.api.call({ method: 'POST', path: '/auth/login', body: byApi, headers })).status, 429);
    await until('they are in the log', async () => {
      const path = `/admin/audit-log?accountId=${person.id}&outcome=REFUSED&pageSize=100`;
      const { entries } = await world.api.get<{ entries: { action: string; network: string }[] }>({
        ...{ path, token: admin.accessToken },
      });
      return entries.some(({ action, network }) => action === 'CHECK_PASSWORD' && network === '198.18.7.1');
    });
  },
};
