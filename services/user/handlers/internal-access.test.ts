import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { newId } from '#kit/ids.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
let ann: string;
before(async () => {
  service = await startUserService();
  ann = await service.addUser('ann');
});
after(() => service.close());

type Client = RpcClient<UserInternalServiceDefinition>;
type Call = (client: Client) => Promise<unknown>;

const followerIds: Call = async (client) => {
  for await (const _ of client.streamFollowerIds({ userIds: [ann] })) return;
};
/** Every internal RPC, and who may call it. */
const calls: { name: string; callers: string[]; call: Call }[] = [
  {
    name: 'CreateUser',
    callers: ['auth'],
    call: (client) => client.createUser({ id: newId(1), handle: 'intruder', displayName: '' }),
  },
  { name: 'ResolveUser', callers: ['auth'], call: (client) => client.resolveUser({ id: ann }) },
  {
    name: 'BatchGetUsers',
    callers: ['post', 'feed'],
    call: (client) => client.batchGetUsers({ ids: [ann] }),
  },
  { name: 'StreamFollowerIds', callers: ['feed'], call: followerIds },
  { name: 'ListFolloweeIds', callers: ['post', 'feed'], call: (client) => client.listFolloweeIds({}) },
];

for (const { name, callers, call } of calls) {
  test(`${name} is refused without a token, with a person's token, and to other services`, async () => {
    await assert.rejects(call(service.internal(undefined)), { reason: 'TOKEN_MISSING' });
    const token = await service.issuer.userToken(ann);
    await assert.rejects(call(service.internalWithToken(token)), { reason: 'TOKEN_INVALID' });
    for (const other of ['auth', 'post', 'feed', 'user', 'stranger'].filter((caller) => !callers.includes(caller))) {
      await assert.rejects(call(service.internal(other)), { reason: 'CALLER_NOT_ALLOWED' });
    }
  });
}

test('ListFolloweeIds is for a person: without their token it is refused', async () => {
  await assert.rejects(service.internal('feed').listFolloweeIds({}), { reason: 'TOKEN_MISSING' });
  const options = await service.onBehalfOf(ann);
  options.metadata?.set('x-oxo-on-behalf-of', await service.issuer.serviceToken('feed'));
  await assert.rejects(service.internal('feed').listFolloweeIds({}, options), { reason: 'TOKEN_INVALID' });
});

test('a service is no person: its token opens no public RPC', async () => {
  const client = service.withToken(await service.issuer.serviceToken('feed'));
  await assert.rejects(client.getMe({}), { reason: 'TOKEN_INVALID' });
  await assert.rejects(client.getUser({ id: ann }), { reason: 'TOKEN_INVALID' });
});
