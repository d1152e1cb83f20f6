import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from 'nice-grpc';
import { deviceOf, networkOf, siteOf, surroundingsOf } from './device.ts';

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

test('around a network lies a /24 of IPv4 or a /48 of IPv6', () => {
  for (const [network, site, surroundings] of [
    ['203.0.113.9', undefined, '203.0.113'],
    ['2001:db8:1:2', '2001:db8:1', '2001:db8:1'],
    ['0:0:0:0', '0:0:0', '0:0:0'],
    ['::ffff:203.0.113.9', undefined, '::ffff:203.0.113.9'],
    ['', undefined, ''],
  ] as const) {
    assert.equal(siteOf(network), site);
    assert.equal(surroundingsOf(network), surroundings);
  }
});
