/** People sign up, follow, post, and see it: through the ingress, the front door and every sidecar. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { createApiClient } from '../../local/client/api-client.ts';
import { checkFlow } from '../../local/stack/ready-check.ts';
import { openIngress } from './ingress.ts';

const ingress = await openIngress();
after(ingress.close);
const client = createApiClient({ frontDoor: ingress.url, connections: 4 });
after(client.close);

test('a post is in the feed of a follower', async (context) => {
  // Of its own: the accounts of the check stay.
  const ms = await checkFlow(ingress.url, `Lab ${'password of the check'} 42`);
  context.diagnostic(`seen after ${ms} ms`);
});

test('a token is needed where one is, and a bad one is refused', async () => {
  for (const token of [undefined, `${randomBytes(6).toString('hex')}.x.y`]) {
    const request = { method: 'GET', path: '/feed', expected: [401] } as const;
    const { body } = await client.call(token === undefined ? request : { ...request, token });
    assert.equal((body as { code: number }).code, 16);
  }
});

test('internal contracts are not there for anybody outside', async () => {
  const path = `${ingress.url}/oxo.user.v1.UserInternalService/BatchGetUsers`;
  const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/grpc' } });
  const status = response.headers.get('grpc-status') ?? (response.status === 404 ? '5' : String(response.status));
  await response.body?.cancel();
  assert.ok(['5', '12'].includes(status), `grpc-status ${status}`);
});
