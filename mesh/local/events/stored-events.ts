import { type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { EVENTS_STREAM } from '#kit/events/jetstream/streams.ts';
import type { Range } from './replay-range.ts';

const batchSize = 100;
const fetchTimeoutMs = 5_000;

/**
 * What the stream holds of a range, in order, in batches of 100.
 * @param subjects no others
 * @param lastSequence what comes behind it is left out
 */
export async function* readBatches(
  connection: NatsConnection,
  subjects: readonly string[],
  { since, until, source }: Range,
  lastSequence: number,
): AsyncGenerator<JsMsg[]> {
  const consumer = await jetstream(connection).consumers.get(EVENTS_STREAM, {
    filter_subjects: [...subjects],
    deliver_policy: 'by_start_time',
    opt_start_time: since.toISOString(),
  });
  try {
    let left = (await consumer.info()).num_pending;
    while (left > 0) {
      let read = 0;
      const batch: JsMsg[] = [];
      const messages = await consumer.fetch({ max_messages: Math.min(left, batchSize), expires: fetchTimeoutMs });
      for await (const message of messages) {
        read += 1;
        const isOver = message.seq > lastSequence || (until !== undefined && message.time > until);
        if (isOver) left = 0;
        else if (source === undefined || message.headers?.get('ce-source') === source) batch.push(message);
      }
      if (left > 0 && read === 0) throw new Error('the stream gave no events in time');
      left = Math.max(0, left - read);
      if (batch.length > 0) yield batch;
    }
  } finally {
    await consumer.delete().catch(() => false);
  }
}
