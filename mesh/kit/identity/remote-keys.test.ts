import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#kit/clock.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';
import { createTokenVerifier, remoteKeys } from '#kit/identity/token-verifier.ts';
import { freePort } from '#kit/testing/ports.ts';
import { createTestIssuer } from '#kit/testing/tokens.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
}

test('the keys come from whichever replica of auth gives them', async (t) => {
  const { jwks, issuer, serviceToken } = await createTestIssuer();
  const away = `http://127.0.0.1:${await freePort()}/jwks.json`;
  const failing = await serve(t, (_, response) => response.writeHead(503).end());
  const silent = await serve(t, () => undefined);
  const good = await serve(t, (_, response) => response.end(JSON.stringify(jwks)));
  for (const urls of [[good], [good, away], [away, failing, silent, good]]) {
    const parts = { issuer, denyList: createDenyList(systemClock), clock: systemClock };
    const verifier = createTokenVerifier({ keys: remoteKeys(urls).find, ...parts });
    assert.equal(await verifier.verifyService(await serviceToken('feed')), 'feed');
  }
  const parts = { issuer, denyList: createDenyList(systemClock), clock: systemClock };
  const keys = remoteKeys([away, failing]);
  assert.equal(keys.couldBeHad?.(), true, 'nobody has asked yet');
  const verifier = createTokenVerifier({ keys: keys.find, ...parts });
  await assert.rejects(async () => verifier.verifyService(await serviceToken('feed')), /cannot be fetched/);
  assert.equal(keys.couldBeHad?.(), false);
});
