import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressPool, netNames } from './names.ts';

test('two labs of one machine have namespaces that differ, and know their own', () => {
  const [one, other] = [netNames('/srv/a/.oxo/mesh'), netNames('/srv/b/.oxo/mesh')];
  assert.notEqual(one.prefix, other.prefix);
  assert.equal(one.prefix, netNames('/srv/a/.oxo/mesh').prefix);
  assert(one.isOurs(one.node) && one.isOurs(one.pod('10.88.1.7')));
  assert(!one.isOurs(other.node) && !one.isOurs('oxo-lab') && !one.isOurs(`x${one.node}`));
  assert.notEqual(one.pod('10.88.1.12'), one.pod('10.88.11.2'));
});

test('addresses are taken in turn, and none twice at a time', () => {
  const pool = createAddressPool();
  const taken = Array.from({ length: 500 }, pool.take);
  assert.equal(new Set(taken).size, 500);
  assert.deepEqual([taken[0], taken[249], taken[250]], ['10.88.1.1', '10.88.1.250', '10.88.2.1']);
  pool.give('10.88.1.1');
  assert.equal(pool.take(), '10.88.3.1', 'what was given back comes last');
});

test('when all are in use it says so', () => {
  const pool = createAddressPool();
  for (let count = 0; count < 255 * 250; count += 1) pool.take();
  assert.throws(pool.take, /all 63750 addresses/);
  pool.give('10.88.9.9');
  assert.equal(pool.take(), '10.88.9.9');
});
