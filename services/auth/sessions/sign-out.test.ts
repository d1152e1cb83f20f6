import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#kit/clock.ts';
import { createBroadcastConsumer } from '#kit/events/consumers/broadcast-consumer.ts';
import { revocationHandlers } from '#kit/events/consumers/revocations.ts';
import { REVOCATIONS_STREAM } from '#kit/events/jetstream/streams.ts';
import { createEffects } from '#kit/events/outbox/effects.ts';
import { createOutbox } from '#kit/events/outbox/outbox.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createRelay } from '#kit/events/outbox/relay.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';
import { newId } from '#kit/ids.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { quiet, startBus } from '#kit/testing/bus.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { createCountedAudit } from '../audit/counted.ts';
import { createMail } from '../mail/mail.ts';
import { testSchema } from '../testing/schema.ts';
import { createSessions } from './sessions.ts';
import { createTokenFamilies } from './token-families.ts';

/** The sessions of an auth process, on real servers, and the deny-list of another process. */
async function setUp(t: TestContext) {
  const [database, bus] = await Promise.all([createTestDatabase(testSchema), startBus()]);
  const { db } = database;
  const effects = createEffects([], quiet);
  const publisher = createPublisher({ nats: bus.admin, source: 'auth', logger: quiet });
  const relay = createRelay({ databaseUrl: database.url, db, publisher, effects, logger: quiet });
  relay.start();
  const outbox = createOutbox({ effects, relay, clock: systemClock });
  const [here, elsewhere] = [createDenyList(systemClock), createDenyList(systemClock)];
  const consumers = await Promise.all(
    [here, elsewhere].map(async (denyList) => {
      const [nats, handlers] = [await bus.connect(), revocationHandlers(denyList, async () => undefined)];
      const metrics = createMetrics();
      const consumer = createBroadcastConsumer({ nats, stream: REVOCATIONS_STREAM, handlers, logger: quiet, metrics });
      await consumer.start();
      return consumer;
    }),
  );
  t.after(async () => {
    await relay.stop();
    publisher.close();
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await bus.stop();
    await database.close();
  });
  const counted = createCountedAudit({ db, clock: systemClock, logger: quiet });
  const mail = createMail({ outbox, metrics: createMetrics(), clock: systemClock });
  const sessions = createSessions({
    db,
    outbox,
    denyList: here,
    mail,
    counted,
    families: createTokenFamilies([randomBytes(32)]),
    clock: systemClock,
  });
  const session = { sessionId: newId(systemClock.nowMs()), userId: newId(systemClock.nowMs()) };
  const signOut = () => sessions.signOut(session, 'this', { requestId: 'sign-out' });
  return { nats: bus.server, here, elsewhere, signOut, sessionId: session.sessionId };
}

test('a sign-out is answered when its tokens are refused, here and elsewhere', async (t) => {
  const { here, elsewhere, signOut, sessionId } = await setUp(t);
  await signOut();
  assert.equal(here.isDenied(sessionId), true);
  await until('the other process has heard of it', () => elsewhere.isDenied(sessionId), 2_000);
});

test('a sign-out that cannot be told to anybody is not called done; it can be asked for again', async (t) => {
  const { nats, here, elsewhere, signOut, sessionId } = await setUp(t);
  await nats.kill();
  const startedMs = performance.now();
  await assert.rejects(signOut(), refused('UNAVAILABLE'));
  assert.ok(performance.now() - startedMs < 2_000);
  // Who asks again shows the same token: it is refused nowhere before it is refused everywhere.
  assert.equal(here.isDenied(sessionId), false);
  await nats.restart();
  await until('it is done', () => signOut().then(() => true));
  await until('the other process has heard of it', () => elsewhere.isDenied(sessionId), 2_000);
});
