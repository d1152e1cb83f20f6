import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS } from '#kit/clock.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { serveTestPages } from '../../testing/oauth-browser.ts';
import { getTokens, registerClient, type TestClient, token } from '../../testing/oauth-client.ts';
import { createClients } from './clients.ts';
import { forgetClients, UNUSED_KEPT_MS, USED_KEPT_MS } from './forgetting.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
  serveTestPages(service);
});
after(() => service.close());

const OWN_GRANT = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const use = async (client: TestClient) => {
  const answer = await token(service, client, { grant_type: 'client_credentials', scope: 'posts:read' });
  assert.equal(answer.status, 200, answer.body);
};
const isThere = async ({ id }: TestClient) => (await createClients(service.db, service.clock).find(id)) !== undefined;
const forget = () => service.background('clean-up of OAuth clients');

test('a client that was used is forgotten when it was not for half a year, and one that is used stays', async () => {
  const [past, present] = [await registerClient(service, OWN_GRANT), await registerClient(service, OWN_GRANT)];
  for (const client of [past, present]) await use(client);
  service.clock.advance(USED_KEPT_MS - DAY_MS);
  await use(present);
  await forget();
  assert.ok(await isThere(past));
  service.clock.advance(DAY_MS + 1_000);
  await forget();
  assert.deepEqual([await isThere(past), await isThere(present)], [false, true]);
});

test('a client that a person has consented to stays, whoever has used it or not, until the consent counts no more', async () => {
  const client = await registerClient(service);
  const { id: accountId } = await service.signIn();
  await getTokens(service, client, { accountId });
  const parties = { accountId, clientId: client.id };
  service.clock.advance(USED_KEPT_MS + DAY_MS);
  await forget();
  assert.ok(await isThere(client));
  assert.ok(await service.oauth.consents.find(parties));
  assert.ok(await service.oauth.consents.revoke(parties, { requestId: 'test' }));
  await forget();
  assert.ok(await isThere(client), 'a consent that was taken back can be taken back again for a day');
  service.clock.advance(2 * DAY_MS);
  await service.background('clean-up of consents');
  await forget();
  assert.ok(!(await isThere(client)));
});

test('a consent that is given while its client is forgotten is not lost', async () => {
  const client = await registerClient(service);
  const { id: accountId } = await service.signIn();
  service.clock.advance(UNUSED_KEPT_MS + DAY_MS);
  await service.db.transaction(async (tx) => {
    const consent = `insert into consents (account_id, client_id, granted, refused, first_at_ms, last_at_ms, expires_at_ms)
      values ($1, $2, '{}', '{}', 1, 1, 1e15::bigint)`;
    await tx.query({ name: 'test-consent', text: consent }, [accountId, client.id]);
    await forget();
  });
  await forget();
  assert.ok(await isThere(client));
});

test('of those that are nobody’s so many stay, the ones that were used last', async () => {
  const clients: TestClient[] = [];
  for (let time = 0; time < 4; time += 1) {
    service.clock.advance(1_000);
    clients.push(await registerClient(service, OWN_GRANT));
  }
  const [first] = clients;
  service.clock.advance(1_000);
  await use(first ?? assert.fail());
  assert.ok((await forgetClients(service.db, service.clock, 3)) >= 1);
  assert.deepEqual(await Promise.all(clients.map(isThere)), [true, false, true, true]);
});
