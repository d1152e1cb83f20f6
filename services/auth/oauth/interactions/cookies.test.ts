import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cookieKeys, cookieOptions } from './cookies.ts';

test('a signature is good for one purpose and one value, also when its secret is not the first any more', () => {
  const [old, next] = [cookieKeys(['a'.repeat(44)], 'oauth'), cookieKeys(['b'.repeat(44), 'a'.repeat(44)], 'oauth')];
  const signature = old.sign('session=1');
  assert.ok(old.verify('session=1', signature) && next.verify('session=1', signature));
  assert.equal(next.index('session=1', signature), 1);
  assert.equal(next.index('session=1', next.sign('session=1')), 0);
  assert.ok(!old.verify('session=1', next.sign('session=1')));
  assert.ok(!old.verify('session=2', signature));
  assert.ok(!cookieKeys(['a'.repeat(44)], 'pages').verify('session=1', signature));
  for (const wrong of ['', 'x', `${signature}a`, signature.slice(1)]) assert.ok(!old.verify('session=1', wrong));
  assert.throws(() => cookieKeys([], 'oauth'));
});

test('over https no other host can set them', () => {
  const { names, long } = cookieOptions('https://oxo.example', ['a'.repeat(44)]);
  assert.match(names.session, /^__Host-/);
  assert.match(names.interaction, /^__Host-/);
  assert.match(names.resume, /^__Secure-/);
  assert.deepEqual([long.secure, long.path, long.httpOnly, long.sameSite], [true, '/', true, 'lax']);
  const local = cookieOptions('http://127.0.0.1:8080', ['a'.repeat(44)]);
  assert.deepEqual([local.names.session, local.long.secure], ['oxo_oauth_session', false]);
});
