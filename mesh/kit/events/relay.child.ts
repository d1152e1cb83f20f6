/**
 * A process for relay.test.ts that runs a relay and dies like by kill -9 once JetStream has stored a batch, before the relay
 * can delete it. Settings: DATABASE_URL, NATS_URL.
 */

import { openDatabase } from '#kit/db/database.ts';
import { entities } from '#kit/db/fixtures.ts';
import { createEffects } from '#kit/events/effects.ts';
import { quiet } from '#kit/events/fixtures.ts';
import { connectNats } from '#kit/events/nats.ts';
import { createPublisher, type Publisher } from '#kit/events/publisher.ts';
import { createRelay } from '#kit/events/relay.ts';

const { DATABASE_URL: url = '', NATS_URL: natsUrl = '' } = process.env;
const db = await openDatabase({ url, poolSize: 2, entities });
const nats = await connectNats({ url: natsUrl, name: 'child', logger: quiet });
const publisher = createPublisher({ nats, source: 'child', logger: quiet });
const dieAfterwards: Publisher = {
  ...publisher,
  async publish(events) {
    await publisher.publish(events);
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  },
};
createRelay({
  databaseUrl: url,
  db,
  publisher: dieAfterwards,
  effects: createEffects([], quiet),
  logger: quiet,
}).start();
