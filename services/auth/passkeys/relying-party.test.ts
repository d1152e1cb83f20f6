import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relyingPartyOf } from './relying-party.ts';

test('passkeys are bound to the domain of the public URL', () => {
  const party = { id: 'oxo.example', origin: 'https://oxo.example' };
  assert.deepEqual(relyingPartyOf('https://oxo.example'), party);
  assert.deepEqual(relyingPartyOf('https://oxo.example/'), party);
  assert.deepEqual(relyingPartyOf('https://oxo.example:8443')?.origin, 'https://oxo.example:8443');
  assert.deepEqual(relyingPartyOf('http://localhost:8080'), { id: 'localhost', origin: 'http://localhost:8080' });
});

test('there are none where browsers have none', () => {
  for (const issuer of ['http://127.0.0.1:8080', 'https://203.0.113.7', 'https://[2001:db8::1]', 'http://oxo.example'])
    assert.equal(relyingPartyOf(issuer), undefined, issuer);
});
