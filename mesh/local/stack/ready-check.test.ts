import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { signIn } from './ready-check.ts';

test('an account that somebody makes in between is signed in to', async (t) => {
  const asked: string[] = [];
  const signedIn = JSON.stringify({ user: { id: 'u' }, tokens: { accessToken: 't' } });
  const server = createServer((request, response) => {
    const path = request.url?.split('/').at(-1) ?? '';
    response.statusCode = path === 'register' ? 409 : asked.includes('register') ? 200 : 401;
    asked.push(path);
    response.end(response.statusCode === 200 ? signedIn : '{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const frontDoor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const found = await signIn(frontDoor, { handle: 'demo', displayName: 'Demo', password: 'x' });
  assert.deepEqual([found, asked], [{ userId: 'u', accessToken: 't' }, ['login', 'register', 'login']]);
});
