import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ClientError, Status } from 'nice-grpc';
import { adviceFor } from './operator.ts';

it('where auth has answered, nobody is sent to look whether it runs', () => {
  const advice = (code: Status) => adviceFor(new ClientError('/a/B', code, 'no'));
  for (const code of [Status.NOT_FOUND, Status.INVALID_ARGUMENT, Status.FAILED_PRECONDITION])
    assert.deepEqual(advice(code), []);
  for (const code of [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.INTERNAL])
    assert.match(advice(code).join(), /oxo status/);
  assert.match(adviceFor(new Error('connect ECONNREFUSED')).join(), /oxo status/);
});
