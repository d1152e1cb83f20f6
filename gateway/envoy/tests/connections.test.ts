import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { call } from '../testing/http.ts';

const MAX_CONNECTIONS = 20;
const path = '/api/v1/posts/p1';

describe('connections of clients', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ maxConnections: MAX_CONNECTIONS });
  });
  after(() => door.stop());

  it('are as many as may be, and one more is closed until another one goes', async () => {
    const idle: Socket[] = [];
    while (idle.length < MAX_CONNECTIONS) {
      const socket = connect(door.port, door.host);
      await once(socket, 'connect');
      // It counts from when it has been answered.
      socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
      await once(socket, 'data');
      idle.push(socket);
    }
    await assert.rejects(call(door, { path }));
    assert.equal((await call({ host: door.host, port: door.adminPort }, { path: '/ready' })).status, 200);
    const freed = idle.pop();
    freed?.end();
    await once(freed as Socket, 'close');
    let status = 0;
    for (let tries = 0; tries < 100 && status === 0; tries += 1) {
      status = await call(door, { path }).then(
        (answer) => answer.status,
        () => 0,
      );
    }
    assert.equal(status, 200);
    for (const socket of idle) socket.destroy();
  });
});
