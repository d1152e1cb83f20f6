import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { Metadata } from 'nice-grpc-common';
import type { OxoError } from '#kit/errors.ts';
import { refused } from '#kit/testing/refused.ts';
import { FEED_SECRET, FORMER_FEED_SECRET, startAuthService, type TestAuthService } from '../../testing/auth-service.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

test('a service gets a token by its secret', async () => {
  const issued = await service.internal().issueServiceToken({ clientId: 'feed', clientSecret: FEED_SECRET });
  assert.equal(issued.expiresIn, 300);
  assert.equal(await service.verifier.verifyService(issued.accessToken), 'feed');
  const claims = decodeJwt(issued.accessToken);
  assert.deepEqual([claims.sub, claims.aud], ['service:feed', 'oxo-internal']);
  assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), 300);
});

test('the secret before still counts while both are known', async () => {
  const credentials = { clientId: 'feed', clientSecret: FORMER_FEED_SECRET };
  assert.ok((await service.internal().issueServiceToken(credentials)).accessToken);
});

test('the token of a service is not that of a person, nor the other way round', async () => {
  const { accessToken } = await service.internal().issueServiceToken({ clientId: 'feed', clientSecret: FEED_SECRET });
  await assert.rejects(service.withToken(accessToken).logout({ all: true }), refused('TOKEN_INVALID'));
  const person = await service.signIn();
  await assert.rejects(async () => service.verifier.verifyService(person.accessToken), refused('TOKEN_INVALID'));
});

test('a wrong secret and an unknown service are refused alike', async () => {
  for (const [clientId, clientSecret] of [
    ['feed', 'wrong'],
    ['nobody', FEED_SECRET],
    ['feed', `${FEED_SECRET}x`],
  ] as const) {
    await assert.rejects(service.internal().issueServiceToken({ clientId, clientSecret }), (error: OxoError) => {
      refused('CREDENTIALS_INVALID')(error);
      assert.equal(error.message, 'No service has this client id and secret.');
      return true;
    });
  }
});

test('in a mesh a secret is of use to the service alone whose certificate it is', async () => {
  const credentials = { clientId: 'feed', clientSecret: FEED_SECRET };
  const by = (...headers: string[]) => {
    const metadata = Metadata();
    for (const header of headers) metadata.append('x-forwarded-client-cert', header);
    return service.internal().issueServiceToken(credentials, { metadata });
  };
  const element = (account: string) =>
    `By=spiffe://cluster.local/ns/oxo-app/sa/auth;Hash=0f;Subject="";URI=spiffe://cluster.local/ns/oxo-app/sa/${account}`;
  const [feed, post] = [element('feed'), element('post')];
  assert.ok((await by(feed)).accessToken);
  // What a caller has sent itself stands before what the sidecar says.
  assert.ok((await by(`${post},${feed}`)).accessToken);
  for (const headers of [
    [post],
    [`${feed},${post}`],
    [feed, post],
    [`x=",${post}`],
    [element('feed/post')],
    [element('post/sa/feedx')],
    ['By=spiffe://cluster.local/ns/oxo-app/sa/feed;Hash=0f;Subject=""'],
    // An account of the same name in a namespace, or a cluster, that is not ours.
    [feed.replace('URI=spiffe://cluster.local/ns/oxo-app/', 'URI=spiffe://cluster.local/ns/other/')],
    [feed.replace('URI=spiffe://cluster.local/', 'URI=spiffe://other/')],
    [feed.replace(/^By=[^;]+;/, '')],
    [''],
  ]) {
    await assert.rejects(by(...headers), refused('CREDENTIALS_INVALID'), headers.join(' and '));
  }
});

test('every field that is wrong is named', async () => {
  await assert.rejects(
    service.internal().issueServiceToken({ clientId: '', clientSecret: 'a'.repeat(513) }),
    refused('VALIDATION_FAILED', 'clientId', 'clientSecret'),
  );
});
