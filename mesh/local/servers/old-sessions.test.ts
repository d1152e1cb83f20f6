import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { endOldSessions } from './old-sessions.ts';

const serverUrl = process.env.TEST_DATABASE_URL ?? '';

test('a session that keeps vacuum from cleaning up is ended; one that holds a lock without a snapshot is not', async () => {
  const role = `snapshots_${randomUUID().replaceAll('-', '_')}`;
  const admin = new pg.Client(serverUrl);
  await admin.connect();
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'probe'`);
  const url = Object.assign(new URL(serverUrl), { username: role, password: 'probe' }).href;
  const [old, harmless] = [new pg.Client(url), new pg.Client(url)];
  for (const client of [old, harmless]) {
    client.on('error', () => {});
    await client.connect();
  }
  try {
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await old.query('SELECT 1 FROM pg_class LIMIT 1');
    await harmless.query('BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 0');
    assert.deepEqual(await endOldSessions(serverUrl, [role]), [], 'they are young');
    const ended = await endOldSessions(serverUrl, [role], { idleSeconds: 0, busySeconds: 3_600 });
    assert.equal(ended.length, 1);
    assert.match(ended[0] ?? '', new RegExp(`of ${role} \\(idle in transaction\\)`));
    await assert.rejects(old.query('SELECT 1'));
    await harmless.query('SELECT 1');
  } finally {
    await harmless.end();
    await admin.query(`DROP ROLE ${role}`);
    await admin.end();
  }
});
