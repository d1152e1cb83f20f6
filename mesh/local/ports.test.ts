import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { CliError } from './cli/cli-error.ts';
import { findFreePortBase, handedOutPorts, loopback, requireFreePorts } from './ports.ts';
import { stackVariable } from './servers/environment.ts';

test('a port in use is named with its purpose, and what to do', async (t) => {
  const other = createServer().listen(0, loopback);
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await assert.rejects(requireFreePorts(new Map([['Postgres', port]])), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, new RegExp(`port ${port} \\(Postgres\\) by process ${process.pid} `));
    assert.match(error.advice.join(' '), /OXO_PORT_BASE/);
    return true;
  });
});

test('two looks in the same place find different ports', async () => {
  const first = await findFreePortBase(() => 0.5);
  const second = await findFreePortBase(() => 0.5);
  assert.notEqual(first, second);
});

test('the stack that holds ports is named once, with one of them', async (t) => {
  const script = `const { createServer } = require('net');
    const listen = (done) => createServer().listen(0, '127.0.0.1', function () { done(this.address().port); });
    listen((one) => listen((other) => console.log(one, other)));`;
  const env = { ...process.env, [stackVariable]: '/somewhere/.oxo' };
  const holder = spawn(process.execPath, ['-e', script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => holder.kill());
  const [line] = (await once(holder.stdout, 'data')) as [Buffer];
  const [one = 0, other = 0] = line.toString().split(' ').map(Number);
  const held = new Map([
    ['Postgres', one],
    ['Redis', other],
  ]);
  await assert.rejects(requireFreePorts(held), (error) => {
    assert(error instanceof CliError);
    assert.equal(error.message, `in use: port ${one} (Postgres) and 1 more by the stack in /somewhere/.oxo`);
    assert.match(error.advice.join('\n'), /^OXO_STATE_DIR=\/somewhere\/\.oxo \.\/oxo down stops that stack/);
    return true;
  });
  await requireFreePorts(held, '/somewhere/.oxo');
});

test('ports that the kernel gives to outgoing connections are named, unless they are kept from it', () => {
  const settings: Record<string, string> = { ip_local_port_range: '32768\t60999\n', ip_local_reserved_ports: '\n' };
  const setting = (name: string): string => settings[name] ?? '';
  assert.deepEqual(handedOutPorts([8080, 32_768, 60_999, 61_000], setting), [32_768, 60_999]);
  settings.ip_local_reserved_ports = '1024,32760-32800,60999\n';
  assert.deepEqual(handedOutPorts([32_768, 32_801, 60_999], setting), [32_801]);
});
