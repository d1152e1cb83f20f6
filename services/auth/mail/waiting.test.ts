import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MAIL } from '../events/durables.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

test('without an SMTP server people sign up, and their mails wait', async () => {
  const { handle } = await service.signUp();
  assert.equal((await service.mails(`${handle}@example.org`)).length, 1);
  assert.ok(!service.consumers.some(({ durable }) => durable === MAIL), 'nobody tries in vain');
});
