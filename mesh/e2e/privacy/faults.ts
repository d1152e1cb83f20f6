import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import { systemClock } from '#kit/clock.ts';
import { listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { connectNats } from '#kit/events/jetstream/nats.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { newId } from '#kit/ids.ts';
import { quiet } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';
import { formOf } from './fields.ts';
import type { Told } from './lives.ts';
import type { Teller } from './teller.ts';

const awayMs = 300;

/** What fails when a part is away is logged, and quotes nobody. */
export async function meetOutages(teller: Teller, person: Told): Promise<void> {
  const { world } = teller;
  for (const part of ['redis', 'nats', 'postgres', 'mail', 'post']) {
    await world.outage(part, awayMs, () => writeMeanwhile(teller, person, part));
  }
}

/** Each of these reads or writes where something is away; what becomes of it does not matter. */
async function writeMeanwhile({ marks, send }: Teller, { token, handle, password }: Told, part: string): Promise<void> {
  const mark = (what: string) => marks.make(`${what} while ${part} is away`);
  const headers = { authorization: `Bearer ${token}` };
  const registration = {
    handle: mark('a handle'),
    email: formOf('email', mark('an address')),
    password: mark('a password'),
    displayName: mark('a name'),
  };
  await Promise.all([
    send('/api/v1/auth/register', { json: registration }),
    send('/api/v1/auth/login', { json: { identifier: handle, password } }),
    send('/api/v1/auth/refresh', { json: { refreshToken: mark('a refresh token') } }),
    send('/api/v1/auth/password:forgot', { json: { email: formOf('email', mark('a forgotten address')) } }),
    send('/api/v1/posts', { json: { text: mark('a post') }, headers }),
    send('/api/v1/users/me', { method: 'PATCH', json: { bio: mark('a bio') }, headers }),
    send(`/api/v1/users/by-handle/${mark('a handle that is looked for')}`, { headers }),
    send(`/api/v1/feed?pageToken=${mark('a page token')}`, { headers }),
    send('/oauth/token', {
      form: { grant_type: 'client_credentials', client_id: mark('a client'), client_secret: mark('its secret') },
    }),
    send('/signin', { form: { identifier: mark('who signs in'), password: mark('the password of a page') } }),
  ]);
}

/** Events that no handler can take: one that is none, and one that says too little. Both hold what somebody has written. */
export async function sendDeadLetters({ world, marks }: Teller): Promise<void> {
  const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
  const publisher = createPublisher({ nats, source: 'post', logger: quiet });
  try {
    const post = { id: newId(systemClock.nowMs()), text: marks.make('the text of a dead letter') };
    const incomplete = PostCreated.encode(PostCreated.fromPartial({ post })).finish();
    const none = Buffer.concat([Buffer.from([0x0a, 0x7f]), Buffer.from(marks.make('an event that is none'))]);
    const events = [incomplete, none].map((payload) => {
      const eventId = newId(systemClock.nowMs());
      const headers = {
        'x-request-id': newId(systemClock.nowMs()),
        traceparent: `00-${'2'.repeat(32)}-${'2'.repeat(16)}-01`,
      };
      return { eventId, version: 1, subject: 'post.created', payload, headers };
    });
    await publisher.publish(events);
    await until('both are given up', async () => {
      const letters = await listDeadLetters(nats.connection, 100);
      return events.every(({ eventId }) => letters.some((letter) => letter.eventId === eventId));
    });
  } finally {
    publisher.close();
    await nats.close();
  }
}
