import type { Durable } from '#kit/events/consumers/durables.ts';
import type { EventDefinition } from '#kit/events/envelope.ts';
import { newId } from '#kit/ids.ts';
import type { Service, ServiceConsumer } from '#kit/process/start.ts';

/** What these tests need of a consumer. */
type Consumer = Pick<ServiceConsumer, 'durable' | 'handlers'>;

/** The consumers of a service, also of one that has none. */
export function consumersOf({ consumers = [] }: Service): readonly ServiceConsumer[] {
  return consumers;
}

/** The consumer that reads this durable. @throws Error when the service has none */
export function consumerOf<Found extends Consumer>(
  consumers: readonly Found[],
  { name }: Pick<Durable, 'name'>,
): Found {
  const found = consumers.find(({ durable }) => durable.name === name);
  if (found === undefined) throw new Error(`nobody reads ${name}`);
  return found;
}

/**
 * Gives an event to the consumer of a service that reads this durable, as the consumer gets it.
 * @returns how often the handler said that it works
 */
export async function deliver<T>(
  consumers: readonly Consumer[],
  durable: Pick<Durable, 'name'>,
  { subject, type }: EventDefinition<T>,
  payload: T,
): Promise<number> {
  const handler = consumerOf(consumers, durable).handlers.find((each) => each.subject === subject);
  if (handler === undefined) throw new Error(`${durable.name} has no handler of ${subject}`);
  const run = handler.prepare(type.encode(payload).finish());
  let times = 0;
  const working = () => {
    times += 1;
  };
  const metadata = { id: newId(Date.now()), source: 'test', time: new Date(), version: 1, subject };
  await run(metadata, { working, signal: new AbortController().signal });
  return times;
}
