import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnAddress } from './own-addresses.ts';

test('only pages of ours are led back to', () => {
  for (const address of ['/signin', '/signin?interaction=a&x=%2F', '/device', '/oauth/logout?state=1']) {
    assert.equal(isOwnAddress(address), true, address);
  }
  for (const address of [
    ...[
      '',
      'signin',
      'https://evil.example/signin',
      '//evil.example/signin',
      '///signin',
      '/\\evil.example',
      '/%2fsignin',
    ],
    ...['/signin\\..', '/ signin', '/signin\n', '/oauth/authorize?client_id=a', '/internal/exchange', '/signin/../x'],
    ...['javascript:alert(1)', '/signin/x', `/signin?${'a'.repeat(5_000)}`, '/signin?x=é'],
  ]) {
    assert.equal(isOwnAddress(address), false, address);
  }
});
