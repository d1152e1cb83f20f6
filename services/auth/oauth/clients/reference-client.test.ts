import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS } from '#kit/clock.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { createClients } from './clients.ts';
import { UNUSED_KEPT_MS } from './forgetting.ts';
import { REFERENCE_CLIENT, withReferenceClient } from './reference-client.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

test('the API reference is a client that nobody has to register, of its own address alone', async () => {
  const stored = createClients(service.db, service.clock);
  const clients = withReferenceClient(stored, 'https://oxo.example');
  assert.equal(await clients.find('somebody'), undefined);
  assert.equal(await stored.find(REFERENCE_CLIENT), undefined, 'not before it is asked for');
  const found = await clients.find(REFERENCE_CLIENT);
  assert.deepEqual(
    [found?.redirect_uris, found?.application_type, found?.client_secret],
    [['https://oxo.example/docs/signed-in'], 'web', undefined],
  );
  const moved = await withReferenceClient(stored, 'http://127.0.0.1:8080').find(REFERENCE_CLIENT);
  assert.deepEqual(
    [moved?.redirect_uris, moved?.application_type],
    [['http://127.0.0.1:8080/docs/signed-in'], 'native'],
  );
  service.clock.advance(UNUSED_KEPT_MS + DAY_MS);
  await stored.cleanUp();
  assert.ok(await clients.find(REFERENCE_CLIENT), 'also after it was forgotten');
  await stored.destroy(REFERENCE_CLIENT);
  for (const issuer of ['http://oxo.test', 'http://192.0.2.1:8080']) {
    assert.equal(await withReferenceClient(stored, issuer).find(REFERENCE_CLIENT), undefined, issuer);
  }
});
