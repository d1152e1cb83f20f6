import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { refused } from '#kit/testing/refused.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

const find = (handles: string[]) => service.internal('post').batchGetUsersByHandle({ handles });

test('users are found, once each; handles that nobody has are left out', async () => {
  const [ann, bob] = [await service.addUser('ann'), await service.addUser('bob_1')];
  const { users } = await find(['bob_1', 'nobody', 'ann', 'bob_1']);
  assert.deepEqual(
    users.toSorted((a, b) => a.handle.localeCompare(b.handle)),
    [
      { id: ann, handle: 'ann', displayName: 'ANN' },
      { id: bob, handle: 'bob_1', displayName: 'BOB_1' },
    ],
  );
});

test('50 handles are taken; none, more, and what is no handle are refused', async () => {
  const handles = Array.from({ length: 50 }, (_, index) => `nobody_${index}`);
  assert.deepEqual((await find(handles)).users, []);
  for (const bad of [[], [...handles, 'nobody']])
    await assert.rejects(find(bad), refused('VALIDATION_FAILED', 'handles'));
  for (const bad of ['ab', 'Ann', 'a b', '\u0000aa', 'a'.repeat(31)]) {
    await assert.rejects(find(['ann', bad]), refused('VALIDATION_FAILED', 'handles.1'));
  }
});
