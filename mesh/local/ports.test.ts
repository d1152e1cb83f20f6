import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { CliError } from './cli-error.ts';
import { findFreePortBase, loopback, requireFreePorts } from './ports.ts';

test('a port in use is named with its purpose, and what to do', async (t) => {
  const other = createServer().listen(0, loopback);
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await assert.rejects(requireFreePorts(new Map([['Postgres', port]])), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, new RegExp(`port ${port} \\(Postgres\\)`));
    assert.match(error.advice.join(' '), /OXO_PORT_BASE/);
    return true;
  });
});

test('two looks in the same place find different ports', async () => {
  const first = await findFreePortBase(() => 0.5);
  const second = await findFreePortBase(() => 0.5);
  assert.notEqual(first, second);
});
