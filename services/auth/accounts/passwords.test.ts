import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Algorithm, parseOptions } from '@node-rs/argon2';
import { createPasswords } from './passwords.ts';

test('a password is hashed by Argon2id as OWASP recommends, and so is the decoy', async () => {
  const passwords = await createPasswords();
  const hash = await passwords.hash('a walk in the rain');
  for (const encoded of [hash, passwords.decoy]) {
    const { algorithm, memoryCost, timeCost, parallelism } = parseOptions(encoded);
    assert.deepEqual([algorithm, memoryCost, timeCost, parallelism], [2 satisfies Algorithm.Argon2id, 19_456, 2, 1]);
  }
  assert.equal(await passwords.verify(hash, 'a walk in the rain'), true);
  assert.equal(await passwords.verify(hash, 'a walk in the rainn'), false);
  assert.equal(await passwords.verify(passwords.decoy, 'a walk in the rain'), false);
});

test('when too many wait, the rest is told to come back', async () => {
  const passwords = await createPasswords();
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => passwords.hash('a walk in the rain')));
  const refused = results.filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 100 - 2 - 64);
});
