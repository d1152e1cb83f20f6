import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS } from '#kit/clock.ts';
import { loadSecrets } from '../secrets.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { judgeSecrets } from './secrets.ts';

const nowMs = Date.parse('2026-11-27T00:00:00Z');
const since = (days: number) => new Date(nowMs - days * DAY_MS).toISOString();
const verdicts = (secrets: Parameters<typeof judgeSecrets>[0]) =>
  judgeSecrets(secrets, nowMs).map(({ verdict, message, next }) => `${verdict}: ${message}${next ? ` → ${next}` : ''}`);

test('a key-encryption key that is old, or not wholly replaced, is told with what to do', () => {
  const secrets = { ...loadSecrets(temporaryFolder(), ['auth']), keyEncryptionKeySince: since(365) };
  assert.deepEqual(verdicts(secrets), ['ok: none is older than 365 days']);
  assert.deepEqual(verdicts({ ...secrets, keyEncryptionKeySince: since(366) }), [
    'warn: the key-encryption key is 366 days old → ./oxo keys rotate-kek',
  ]);
  assert.deepEqual(verdicts({ ...secrets, formerKeyEncryptionKeys: ['old'] }), [
    'warn: the key-encryption key is being replaced, and the former one still counts → ./oxo keys rotate-kek',
  ]);
  assert.deepEqual(verdicts({ ...secrets, keyEncryptionKeySince: undefined }), ['ok: none is older than 365 days']);
});

test('secrets of services that are old, or not wholly replaced, are told with what to do', () => {
  const fresh = loadSecrets(temporaryFolder(), ['auth', 'feed']);
  const feed = fresh.services.feed ?? assert.fail();
  const secrets = { ...fresh, keyEncryptionKeySince: since(1) };
  const withFeed = (changes: Partial<typeof feed>) => ({
    ...secrets,
    services: { auth: { ...feed, since: since(365) }, feed: { ...feed, ...changes } },
  });
  assert.deepEqual(verdicts(withFeed({ since: since(366) })), [
    'warn: secrets of feed are older than 365 days → ./oxo credentials rotate',
  ]);
  assert.deepEqual(verdicts(withFeed({ since: since(1), former: feed })), [
    'warn: new and former secrets count of feed → ./oxo credentials rotate, or ./oxo up',
  ]);
});
