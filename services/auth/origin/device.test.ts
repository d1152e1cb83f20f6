import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from 'nice-grpc';
import { deviceOf, networkOf } from './device.ts';

test('a device is what its headers say, bounded', () => {
  const device = (headers: Record<string, string>) => deviceOf({ metadata: Metadata(headers) });
  assert.deepEqual(device({}), { userAgent: '', ip: '' });
  assert.deepEqual(device({ 'user-agent': 'a'.repeat(300), 'x-forwarded-for': '2001:db8::1' }), {
    userAgent: 'a'.repeat(256),
    ip: '2001:db8::1',
  });
  for (const ip of ['203.0.113.9, 10.0.0.1', 'unknown', '1'.repeat(9_999)]) {
    assert.equal(device({ 'x-forwarded-for': ip }).ip, '');
  }
});

test('one customer of a provider is one network', () => {
  for (const [ip, network] of [
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['::ffff:203.0.113.9', '::ffff:203.0.113.9'],
    ['', ''],
  ] as const) {
    assert.equal(networkOf(ip), network);
  }
});
