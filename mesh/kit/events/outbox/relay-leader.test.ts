import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { openLink } from '#kit/events/outbox/relay-link.ts';
import { newId } from '#kit/ids.ts';
import { type Replica, useRelays } from '#kit/testing/relays.ts';
import { until } from '#kit/testing/until.ts';

const relays = useRelays();
const { startReplica, post, outboxSize, stored, leaders } = relays;

test('one of two leads, and the other takes over when its connection dies', async () => {
  const [one, two] = [await startReplica(), await startReplica()];
  one.relay.start();
  await until('one leads', async () => (await leaders()).length === 1);
  const [firstLeader] = await leaders();
  two.relay.start();
  const written: string[] = [];
  const write = async (replica: Replica, text: string) => {
    written.push(text);
    await post(replica.outbox, text);
  };
  await write(one, 'by the leader');
  await write(two, 'by the other');
  await until('both are published', async () => (await outboxSize()) === 0);

  await relays.database.db.query({ name: 'test-terminate', text: 'select pg_terminate_backend($1)' }, [firstLeader]);
  for (let index = 0; index < 20; index += 1) await write(index % 2 ? one : two, `during the change ${index}`);
  await until('another leads', async () => {
    const [leader] = await leaders();
    return leader !== undefined && leader !== firstLeader;
  });
  await until('all are published', async () => (await outboxSize()) === 0);
  // What one of them wrote may overtake what the other wrote at the same moment.
  assert.deepEqual((await stored()).toSorted(), written.toSorted());

  await Promise.all([one.relay.stop(), two.relay.stop()]);
  assert.deepEqual(await leaders(), [], 'the lock is given back');
});

test('the leader loses the other of its connections, leads again, and nothing is lost', async () => {
  const { relay, outbox } = await startReplica();
  relay.start();
  await until('it leads', async () => (await leaders()).length === 1);
  const [firstLeader] = await leaders();
  const terminate = {
    name: 'test-terminate-link',
    text: `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'oxo-relay' and datname = current_database() and pid <> $1`,
  };
  await until('it has another', async () => (await relays.database.db.query(terminate, [firstLeader])).length === 1);
  await post(outbox, 'afterwards');
  await until('it is published', async () => (await outboxSize()) === 0);
  await until('it leads by new connections', async () => {
    const [leader] = await leaders();
    return leader !== undefined && leader !== firstLeader;
  });
  assert.deepEqual(await stored(), ['afterwards']);
});

test('another role of the database can neither take the lock nor keep a relay from leading', async () => {
  const role = `intruder_${newId(Date.now()).replaceAll('-', '_')}`;
  await relays.database.db.query({ name: 'test-role', text: `create role ${role} login password 'intruder'` });
  const intruder = new pg.Client(
    Object.assign(new URL(relays.database.url), { username: role, password: 'intruder' }).href,
  );
  await intruder.connect();
  try {
    for (const mode of ['access share', 'exclusive', 'access exclusive']) {
      await assert.rejects(intruder.query(`begin; lock table relay_lock in ${mode} mode`), { code: '42501' });
      await intruder.query('rollback');
    }
    await assert.rejects(intruder.query('select name from relay_channel'), { code: '42501' });
    const [channel] = await relays.database.db.query<{ name: string }>({
      name: 'test-channel',
      text: 'select name from relay_channel',
    });
    assert.match(channel?.name ?? '', /^outbox_[0-9a-f-]{36}$/, 'nobody guesses it');
    // Numbers of advisory locks belong to all roles.
    await intruder.query("select pg_advisory_lock(hashtext('outbox-relay:' || current_schema()))");
    const { relay, outbox } = await startReplica();
    relay.start();
    await post(outbox, 'text');
    await until('it is published', async () => (await outboxSize()) === 0);
    assert.deepEqual(await stored(), ['text']);
  } finally {
    await intruder.end();
    await relays.database.db.query({ name: 'test-drop-role', text: `drop role ${role}` });
  }
});

test('to lead holds back no vacuum: the transaction of the lock has neither an id nor a snapshot', async () => {
  const [leading, waiting] = [await startReplica(), await startReplica()];
  leading.relay.start();
  await until('one leads', async () => (await leaders()).length === 1);
  waiting.relay.start();
  await post(leading.outbox, 'text');
  await until('it is published', async () => (await outboxSize()) === 0);
  const sessions = await relays.database.db.query<{ state: string; holds: boolean }>(
    {
      name: 'test-lock-session',
      text: `select state, backend_xid is not null or backend_xmin is not null as holds from pg_stat_activity where pid = $1`,
    },
    await leaders(),
  );
  assert.deepEqual(sessions, [{ state: 'idle in transaction', holds: false }]);
});

test('what the relay deletes waits for no disk; what requests commit does as the server says', async () => {
  const setting = "select setting, source from pg_settings where name = 'synchronous_commit'";
  const link = await openLink(relays.database.url, () => undefined);
  try {
    assert.deepEqual((await link.client.query(setting)).rows, [{ setting: 'off', source: 'client' }]);
    const requests = await relays.database.db.query<{ source: string }>({ name: 'test-sync', text: setting });
    assert.notEqual(requests[0]?.source, 'client');
  } finally {
    await link.client.end();
  }
});

test('a replica that does not lead tells the leader', async () => {
  const slowPoll = { pollMs: 60_000 };
  const [leading, other] = [await startReplica(slowPoll), await startReplica(slowPoll)];
  leading.relay.start();
  await until('one leads', async () => (await leaders()).length === 1);
  await post(leading.outbox, 'own');
  await until('it is published', async () => (await stored()).length === 1);
  await post(other.outbox, 'of the other');
  await until('it is published too', async () => (await stored()).length === 2);
  await leading.relay.stop();
  await other.relay.stop();
});
