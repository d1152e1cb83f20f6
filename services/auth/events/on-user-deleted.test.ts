import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MINUTE_MS } from '#kit/clock.ts';
import { NotYet } from '#kit/events/consumers/handlers.ts';
import { userDeleted } from '#kit/events/consumers/user-deleted.ts';
import { newId } from '#kit/ids.ts';
import { deliver } from '#kit/testing/deliver.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { ERASURE } from './durables.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const handle = (userId: string, eraseFrom = new Date(0)) =>
  deliver(service.consumers, ERASURE, userDeleted, { userId, deletedAt: new Date(0), eraseFrom });

const ROWS = {
  name: 'test-rows',
  text: `select row_to_json(a)::text as line from accounts a where id = $1
    union all select row_to_json(s)::text from sessions s where account_id = $1`,
};
const rowsOf = async (id: string) => (await service.db.query(ROWS, [id])).length;

test('account, email address and sessions are erased when the time has come, however often it is told', async () => {
  const { id } = await service.signUp();
  const other = await service.signUp();
  await service.internal('user').disableAccount({ userId: id });
  const eraseFrom = new Date(service.clock.nowMs() + MINUTE_MS);
  await assert.rejects(handle(id, eraseFrom), NotYet);
  assert.equal(await rowsOf(id), 1);
  await handle(id);
  await handle(id);
  assert.equal(await rowsOf(id), 0);
  assert.equal(await rowsOf(other.id), 2);
  await handle(newId(1));
});

test('an account that was not ended is not erased', async () => {
  const { id } = await service.signUp();
  await assert.rejects(handle(id), /not ended/);
  assert.equal(await rowsOf(id), 2);
});
