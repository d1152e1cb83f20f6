import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSecrets, operatorName } from '../secrets.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { ownerOf, pending, replaceSecrets, userNames, userOf, withoutFormer } from './turns.ts';

test('new secrets count beside the former ones, by the other user, until these are taken back', () => {
  const before = loadSecrets(temporaryFolder(), ['auth', 'feed']);
  assert.deepEqual(pending(before), []);
  const both = replaceSecrets(before, ['feed', operatorName]);
  assert.deepEqual(pending(both), ['feed', operatorName]);
  assert.deepEqual([both.services.auth, both.formerOperator], [before.services.auth, before.operator]);
  const [feed, former] = [both.services.feed ?? assert.fail(), before.services.feed ?? assert.fail()];
  const { since: _, ...formerCredentials } = former as typeof former & { since?: string };
  assert.deepEqual(feed.former, formerCredentials);
  assert.deepEqual([userOf('feed', former), userOf('feed', feed)], userNames('feed'));
  for (const name of ['database', 'redis', 'nats', 'service'] as const) assert.notEqual(feed[name], former[name]);
  const after = withoutFormer(both);
  assert.deepEqual(pending(after), []);
  assert.equal(after.operator, both.operator);
  assert.equal(withoutFormer(after), after);
  const again = replaceSecrets(after, ['feed']).services.feed ?? assert.fail();
  assert.equal(userOf('feed', again), 'feed');
  assert.deepEqual(['feed', 'feed_2'].map(ownerOf), ['feed', 'feed']);
});
