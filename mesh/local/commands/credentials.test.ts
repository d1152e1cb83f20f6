import assert from 'node:assert/strict';
import { it } from 'node:test';
import { noticeOf } from './credentials.ts';

it('a rotation says before it begins how long it takes, and whether requests will fail', () => {
  assert.match(noticeOf({ replicas: 1 }) ?? '', /a minute or two\. .*requests fail.*--replicas 2/);
  assert.match(noticeOf({ replicas: 2 }) ?? '', /a minute or two, and no request is refused/);
  assert.equal(noticeOf(undefined), undefined);
});
