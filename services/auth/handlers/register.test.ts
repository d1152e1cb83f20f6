import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { PASSWORD, startAuthService, type TestAuthService } from '../testing/auth-service.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const registration = (handle: string) => ({
  handle,
  email: `${handle}@example.org`,
  password: PASSWORD,
  displayName: `The ${handle}`,
});

test('a registration gives the profile and tokens that are verified', async () => {
  const { user, tokens } = await service.auth.register(registration('alice'));
  assert.equal(user?.handle, 'alice');
  assert.equal(user?.displayName, 'The alice');
  assert.deepEqual([tokens?.tokenType, tokens?.expiresIn], ['Bearer', 900]);
  const caller = await service.verifier.verifyUser(tokens?.accessToken ?? '');
  assert.equal(caller.userId, user?.id);
  const claims = decodeJwt(tokens?.accessToken ?? '');
  assert.deepEqual(
    [claims.iss, claims.aud, claims.sub, claims.client_id],
    ['http://oxo.test', 'oxo-api', user?.id, 'oxo'],
  );
  assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), 900);
  assert.match(String(claims.scope), /^profile:read profile:write posts:read /);
  assert.doesNotMatch(String(claims.scope), /admin/);
  assert.equal(decodeProtectedHeader(tokens?.accessToken ?? '').typ, 'at+jwt');
});
