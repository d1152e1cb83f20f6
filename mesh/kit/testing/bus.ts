/**
 * What tests of events share: two events, a NATS server with our streams, a log that nobody reads.
 */
import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { systemClock } from '#kit/clock.ts';
import { type Durable, ensureDurables } from '#kit/events/consumers/durables.ts';
import { defineEvent } from '#kit/events/envelope.ts';
import { connectNats, type NatsBus } from '#kit/events/jetstream/nats.ts';
import type { NatsPermissions } from '#kit/events/jetstream/permissions.ts';
import { ensureStreams } from '#kit/events/jetstream/streams.ts';
import type { OutgoingEvent } from '#kit/events/outbox/publisher.ts';
import { newId } from '#kit/ids.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { startNats, type TestNats } from '#kit/testing/nats.ts';

/** Any message would do; this one has two texts. */
export const testEvent = defineEvent('post.created', SessionRevoked);
export const sessionRevoked = defineEvent('session.revoked', SessionRevoked);

export const quiet = createLogger({ service: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' });

/** An event whose message carries `text`. */
export function makeEvent(text: string, subject = testEvent.subject, version = 1): OutgoingEvent {
  return {
    eventId: newId(systemClock.nowMs()),
    version,
    subject,
    payload: SessionRevoked.encode({ sessionId: text, userId: '' }).finish(),
    headers: { 'x-request-id': `request-${text}` },
  };
}

export interface TestBus {
  server: TestNats;
  /** Connection of the administrator. */
  admin: NatsBus;
  connect(user?: string): Promise<NatsBus>;
  stop(): Promise<void>;
}

/** A server with our streams and these durables. */
export async function startBus(
  options: { durables?: readonly Durable[]; users?: Readonly<Record<string, NatsPermissions>>; storeDir?: string } = {},
): Promise<TestBus> {
  const server = await startNats(options.users, options.storeDir);
  const buses: NatsBus[] = [];
  const connect = async (user?: string): Promise<NatsBus> => {
    const bus = await connectNats({ url: server.url(user), name: 'test', logger: quiet });
    buses.push(bus);
    return bus;
  };
  const admin = await connect();
  await ensureStreams(admin.connection);
  await ensureDurables(admin.connection, options.durables ?? []);
  return {
    server,
    admin,
    connect,
    stop: async () => {
      await Promise.all(buses.map((bus) => bus.close()));
      await server.stop();
    },
  };
}
