import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
let ann: string;
before(async () => {
  service = await startUserService();
  ann = await service.addUser('ann');
});
after(() => service.close());

test('a user is found by id and by handle in any case', async () => {
  const auth = service.internal('auth');
  for (const by of [{ id: ann }, { handle: 'ann' }, { handle: 'ANN' }]) {
    const { user } = await auth.resolveUser(by);
    assert.equal(user?.id, ann);
    assert.equal(user?.relationship, undefined);
  }
});

test('whom nobody knows is not found, whatever was typed', async () => {
  const auth = service.internal('auth');
  const handles = ['nobody', '', 'ann@example.org', 'a'.repeat(10_000), 'ann\u0000', 'A\u030Ann', 'aǹn'];
  for (const by of [{ id: newId(1) }, ...handles.map((handle) => ({ handle }))]) {
    await assert.rejects(auth.resolveUser(by), refused('USER_NOT_FOUND'));
  }
});

test('a bad id, or neither id nor handle, is refused', async () => {
  const auth = service.internal('auth');
  for (const by of [{ id: '' }, { id: 'me' }, { id: '\u0000' }, {}]) {
    await assert.rejects(auth.resolveUser(by), refused('VALIDATION_FAILED'));
  }
});
