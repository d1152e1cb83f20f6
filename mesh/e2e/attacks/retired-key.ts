import assert from 'node:assert/strict';
import { decodeProtectedHeader } from 'jose';
import { Metadata } from 'nice-grpc';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { openForge } from '../testing/credentials.ts';
import { ask, codeRequest, getTokens, postAs, registerClient, tokensIn } from '../testing/oauth.ts';
import { signUp } from '../testing/people.ts';
import { openStubs } from '../testing/stubs.ts';

/** Comes last: what was signed before is worth nothing afterwards. */
export const retiredKey: Cases = {
  'a retired key: what it has signed opens nothing any more': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const { browser, id_token, refresh_token } = await getTokens(world, client, person);
    const silent = codeRequest(client, { scope: 'openid', prompt: 'none', id_token_hint: id_token }).path;
    assert.ok((await ask(world, silent, { as: browser })).location?.searchParams.get('code'));
    const forge = await openForge(world.stack);
    const own = await forge.sign(forge.claims(person.id));
    assert.equal((await world.api.call({ path: '/users/me', token: own })).status, 200);
    const stubs = openStubs(world.stack);
    try {
      const credentials = { clientId: 'operator', clientSecret: world.stack.secrets.operator };
      const { accessToken } = await stubs.authInternal.issueServiceToken(credentials);
      const metadata = Metadata({ authorization: `Bearer ${accessToken}` });
      const { droppedKids } = await stubs.authInternal.rotateSigningKeys({ force: true }, { metadata });
      assert.ok(droppedKids.includes(decodeProtectedHeader(id_token).kid ?? ''));
    } finally {
      stubs.close();
    }
    assert.equal((await refusal(world.api, { path: '/users/me', token: own })).reason, 'TOKEN_INVALID');
    const { location } = await ask(world, silent, { as: browser });
    assert.equal(location?.searchParams.get('error'), 'invalid_request', String(location));
    // Whom it was given to goes on.
    const next = tokensIn(await postAs(world, client, '/oauth/token', { grant_type: 'refresh_token', refresh_token }));
    assert.notEqual(decodeProtectedHeader(next.id_token).kid, decodeProtectedHeader(id_token).kid);
    const headers = { authorization: `Bearer ${next.access_token}` };
    assert.equal((await ask(world, '/oauth/userinfo', { headers })).status, 200);
  },
};
