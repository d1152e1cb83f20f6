import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MINUTE_MS } from '#kit/clock.ts';
import { createNotices } from './notices.ts';

it('a notice is said at its page, to its session, for five minutes, and only if it is ours', () => {
  let nowMs = 1_000_000;
  const notices = createNotices({ secrets: ['a'.repeat(32)], clock: { nowMs: () => nowMs } });
  const [owner, other] = [{ sessionId: 'one' }, { sessionId: 'two' }];
  const { pathname, searchParams: query } = new URL(notices.addressOf('/account/page', owner, 'saved'), 'http://here');
  assert.equal(pathname, '/account/page');
  assert.equal(notices.read('/account/page', owner, query), 'saved');
  assert.equal(notices.read('/account/page', other, query), undefined);
  assert.equal(notices.read('/account/other', owner, query), undefined);
  const value = query.get('done') ?? '';
  for (const forged of ['', 'saved', value.replace('saved', 'ended'), value.replace(/\d/, '9'), `${value}A`])
    assert.equal(notices.read('/account/page', owner, new URLSearchParams({ done: forged })), undefined, forged);
  nowMs += 5 * MINUTE_MS;
  assert.equal(notices.read('/account/page', owner, query), undefined);
});
