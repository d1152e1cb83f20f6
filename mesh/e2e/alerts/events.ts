/** Faults of events and of what reads them. */
import { jetstreamManager } from '@nats-io/jetstream';
import { systemClock } from '#kit/clock.ts';
import { dropDeadLetter, listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { connectNats, type NatsBus } from '#kit/events/jetstream/nats.ts';
import { EVENTS_STREAM, ensureStreams, REVOCATIONS_STREAM } from '#kit/events/jetstream/streams.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { newId } from '#kit/ids.ts';
import { quiet } from '#kit/testing/bus.ts';
import type { Fault } from './fault.ts';

/** No event at all: a text that is longer than what there is of it. */
const nonsense = Buffer.from([0x0a, 0x7f, 0x00]);
const fanOut = 'feed-fanout';

/** JetStream gives it nothing any more, and it goes on asking. */
export const consumerStopped: Fault = {
  fires: [
    { alert: 'ConsumerStopped', labels: { consumer: fanOut } },
    { alert: 'ConsumerLagging', labels: { consumer: fanOut } },
  ],
  // How long a post has taken is known when it has arrived.
  firesAfter: [{ alert: 'PostVisibleLate' }],
  cause: async ({ world }) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    const { consumers } = await jetstreamManager(nats.connection);
    await consumers.pause(EVENTS_STREAM, fanOut, new Date(systemClock.nowMs() + 600_000));
    return async () => {
      await consumers.resume(EVENTS_STREAM, fanOut);
      await nats.close();
    };
  },
};

async function publishNonsense(nats: NatsBus, subject: string): Promise<void> {
  const publisher = createPublisher({ nats, source: 'auth', logger: quiet });
  const payload = nonsense;
  await publisher.publish([{ eventId: newId(systemClock.nowMs()), version: 1, subject, payload, headers: {} }]);
  publisher.close();
}

/** What is no event at all is given up by who reads it: here by one alone. */
export const deadLetter: Fault = {
  fires: [{ alert: 'DeadLetters' }],
  isLate: true,
  cause: async ({ world }) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    await publishNonsense(nats, 'mail.queued');
    return async () => {
      for (const letter of await listDeadLetters(nats.connection, 100)) await dropDeadLetter(nats.connection, letter);
      await nats.close();
    };
  },
};

/** What is no revocation at all is passed over by every process. */
export const revocationFails: Fault = {
  fires: ['auth', 'user', 'post', 'feed'].map((job) => ({ alert: 'RevocationsFail', labels: { job } })),
  isLate: true,
  cause: async ({ world }) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    await publishNonsense(nats, 'session.revoked');
    await nats.close();
    return async () => {};
  },
};

/** NATS is there, and the stream of revocations is not. */
export const revocationsGone: Fault = {
  fires: ['auth', 'post', 'feed'].map((job) => ({ alert: 'RevocationsNotHeard', labels: { job } })),
  mayFire: ['OutboxStuck'],
  cause: async ({ world }) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    await (await jetstreamManager(nats.connection)).streams.delete(REVOCATIONS_STREAM);
    return async () => {
      await ensureStreams(nats.connection);
      await nats.close();
    };
  },
};
