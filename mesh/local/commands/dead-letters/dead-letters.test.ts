/** The command against the servers of a stack; what consumers do with a replay is shown in the kit and end to end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import { systemClock } from '#kit/clock.ts';
import { listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { connectNats, type NatsBus } from '#kit/events/jetstream/nats.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { newId } from '#kit/ids.ts';
import { quiet } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';
import { CliError } from '../../cli/cli-error.ts';
import { findFreePortBase } from '../../ports.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { oxo } from '../../testing/command.ts';
import { temporaryFolder } from '../../testing/temporary.ts';
import { command } from './dead-letters.ts';

let stack: Stack;
let nats: NatsBus;
let connection: NatsConnection;
const stateDir = temporaryFolder();
const env = { OXO_STATE_DIR: stateDir };
const deadLetters = (...args: string[]) => oxo(['dead-letters', ...args], { env });

before(async () => {
  stack = await startStack({ stateDir, portBase: await findFreePortBase(), serversOnly: true });
  nats = await connectNats({ url: stack.urls.nats, name: 'test', logger: quiet });
  connection = nats.connection;
});
after(async () => {
  await nats.close();
  await stack.stop();
});

/** Events that the fan-out gives up, one letter each; their ids, oldest first. */
async function giveUp(...texts: string[]): Promise<number[]> {
  const before = (await listDeadLetters(connection, 1_000)).length;
  const publisher = createPublisher({ nats, source: 'post', logger: quiet });
  const events = texts.map((text) => ({
    eventId: newId(systemClock.nowMs()),
    version: 1,
    subject: 'post.created',
    payload: PostCreated.encode(PostCreated.fromPartial({ post: { id: 'p', text } })).finish(),
    headers: { 'x-request-id': 'r1' },
  }));
  assert.equal((await publisher.publish(events)).length, texts.length);
  const consumer = await jetstream(connection).consumers.get('EVENTS', 'feed-fanout');
  for (const _ of texts) (await consumer.next())?.term('Error: it did not like it');
  const letters = await until('the letters', async () => {
    const found = await listDeadLetters(connection, 1_000);
    return found.length === before + texts.length && found;
  });
  return letters
    .slice(0, texts.length)
    .map(({ id }) => id)
    .toReversed();
}

async function idsLeft(): Promise<number[]> {
  return (await listDeadLetters(connection, 1_000)).map(({ id }) => id);
}

test('what is not said rightly is refused with exit code 2', async () => {
  const wrong = [[], ['bury'], ['show'], ['show', 'x'], ['show', '0'], ['show', '1', '2'], ['replay']];
  const more = [
    ['replay', '1', '--all'],
    ['replay', '1', '--consumer', 'x'],
    ['drop'],
    ['drop', '-1'],
    ['list', '-n', '0'],
  ];
  for (const args of [...wrong, ...more]) {
    await assert.rejects(
      async () => command.run(args),
      (error) => error instanceof CliError && error.exitCode === 2,
      args.join(' '),
    );
  }
});

test('an empty list and an id that is not there are said', async () => {
  assert.equal((await deadLetters('list', '--consumer', 'x')).out, 'no dead letters of x\n');
  const all = await deadLetters('replay', '--all');
  assert.deepEqual([all.code, all.out], [0, 'no dead letters\n']);
  for (const action of ['show', 'replay']) {
    const { code, err } = await deadLetters(action, '99');
    assert.equal(code, 1);
    assert.match(err, /there is no dead letter 99\n[\s\S]*dead-letters list/);
  }
});

test('show prints headers and payload, and what could steer a terminal is made visible', async () => {
  const [id] = await giveUp('text \u001b[31m\u009b red');
  const { code, out } = await deadLetters('show', String(id));
  assert.equal(code, 0);
  for (const part of [
    /feed-fanout/,
    /it did not like it/,
    /x-request-id +r1/,
    /ce-source +post/,
    /PostCreated/,
    /"text": "text /,
  ]) {
    assert.match(out, part);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(out, /[\u001b\u009b]/);
  const json = JSON.parse((await deadLetters('show', String(id), '--json')).out);
  assert.equal(json.payload.message.post.id, 'p');
  assert.equal(json.headers['ce-type'], 'post.created');
  assert.equal((await deadLetters('drop', String(id), '--yes')).out, '1 dropped\n');
});

test('an event without an id is shown as one that can be replayed; what a consumer said steers no terminal', async () => {
  await jetstream(connection).publish('post.created', new Uint8Array());
  const consumer = await jetstream(connection).consumers.get('EVENTS', 'feed-fanout');
  (await consumer.next())?.term('Error: \u001b[2J\n99  a row of its own');
  const [letter] = await until('the letter', async () => {
    const found = await listDeadLetters(connection, 10);
    return found.length === 1 && found;
  });
  const shown = await deadLetters('show', String(letter?.id));
  assert.match(shown.out, /event +without an id/);
  assert.doesNotMatch(shown.out, /expired/);
  const list = await deadLetters('list');
  assert.match(list.out, /\\u\{1b\}\[2J.*99 {2}a row/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  for (const { out } of [shown, list]) assert.doesNotMatch(out, /\u001b/);
  assert.match((await deadLetters('replay', '--all')).out, /1 replayed/);
  (await consumer.next())?.ack();
});

test('replay hands events to their consumer again, in order; drop asks first', async () => {
  const [first, second, third, fourth] = await giveUp('1', '2', '3', '4');
  const one = await deadLetters('replay', String(second), String(first), String(second));
  assert.equal(one.code, 0);
  assert.match(one.out, /^replayed +\d+ +feed-fanout[\s\S]*2 replayed/);
  const listed = JSON.parse((await deadLetters('list', '--json')).out) as { id: number }[];
  assert.deepEqual(
    listed.map(({ id }) => id),
    [fourth, third],
  );
  const consumer = await jetstream(connection).consumers.get('EVENTS', 'feed-fanout');
  for (const text of ['1', '2']) {
    const message = await consumer.next();
    assert.equal(message?.subject, 'replay.feed-fanout.post.created');
    assert.equal(PostCreated.decode(message.data).post?.text, text);
    message.ack();
  }
  const unasked = await deadLetters('drop', '--all');
  assert.equal(unasked.code, 1);
  assert.match(unasked.out, /feed-fanout/);
  assert.match(unasked.err, /nothing was dropped[\s\S]*--yes/);
  assert.deepEqual(await idsLeft(), [fourth, third]);
  assert.equal((await deadLetters('drop', '--all', '--consumer', 'feed-fanout', '--yes')).out, '2 dropped\n');
  assert.deepEqual(await idsLeft(), []);
});

test('an event that has expired is left, the others are replayed, and the exit code says so', async () => {
  const [first, second] = await giveUp('1', '2');
  const manager = await jetstreamManager(connection);
  const sequence = (await listDeadLetters(connection, 10)).find(({ id }) => id === first)?.streamSequence ?? 0;
  await manager.streams.deleteMessage('EVENTS', sequence);
  assert.match((await deadLetters('show', String(first))).out, /expired/);
  const { code, out } = await deadLetters('replay', '--all');
  assert.equal(code, 1);
  assert.match(out, new RegExp(`left +${first} .*expired[\\s\\S]*replayed +${second} [\\s\\S]*1 replayed, 1 left`));
  assert.deepEqual(await idsLeft(), [first]);
});

test('while NATS is away the commands say so and what to do', async () => {
  await stack.process('nats').pause();
  try {
    for (const args of [
      ['dead-letters', 'replay', '--all'],
      ['outbox', 'replay', '--since', '1h'],
    ]) {
      const { code, err } = await oxo(args, { env });
      assert.equal(code, 1);
      assert.match(err, /NATS is away[\s\S]*\.\/oxo up/);
    }
  } finally {
    await stack.process('nats').resume();
  }
});
