import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { testInternalAccess } from '#kit/testing/internal-access-suite.ts';
import { refused } from '#kit/testing/refused.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
let ann: string;
before(async () => {
  service = await startUserService();
  ann = await service.addUser('ann');
});
after(() => service.close());

testInternalAccess(
  UserInternalServiceDefinition,
  {
    confirmErasure: ['auth', 'post', 'feed'],
    createUser: ['auth'],
    resolveUser: ['auth'],
    batchGetUsers: ['post', 'feed'],
    batchGetUsersByHandle: ['post'],
    streamFollowerIds: ['feed'],
    listFolloweeIds: ['post', 'feed'],
  },
  () => service,
);

test('ListFolloweeIds is for a person: without their token it is refused', async () => {
  await assert.rejects(service.internal('feed').listFolloweeIds({}), refused('TOKEN_MISSING'));
  const options = await service.onBehalfOf(ann);
  options.metadata?.set('x-oxo-on-behalf-of', await service.issuer.serviceToken('feed'));
  await assert.rejects(service.internal('feed').listFolloweeIds({}, options), refused('TOKEN_INVALID'));
});

test('a service is no person: its token opens no public RPC', async () => {
  const client = service.withToken(await service.issuer.serviceToken('feed'));
  await assert.rejects(client.getMe({}), refused('TOKEN_INVALID'));
  await assert.rejects(client.getUser({ id: ann }), refused('TOKEN_INVALID'));
});
