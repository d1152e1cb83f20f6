import type { EventHandler } from '#kit/events/consumers/handlers.ts';
import type { EventDefinition } from '#kit/events/envelope.ts';
import { newId } from '#kit/ids.ts';

/**
 * Gives an event to the consumer of a service that handles it, as the consumer gets it.
 * @returns how often the handler said that it works
 */
export async function deliver<T>(
  consumers: readonly { handlers: readonly EventHandler[] }[],
  { subject, type }: EventDefinition<T>,
  payload: T,
): Promise<number> {
  const handler = consumers.flatMap(({ handlers }) => handlers).find((each) => each.subject === subject);
  if (handler === undefined) throw new Error(`nobody handles ${subject}`);
  const run = handler.prepare(type.encode(payload).finish());
  let times = 0;
  const working = () => {
    times += 1;
  };
  const metadata = { id: newId(Date.now()), source: 'test', time: new Date(), version: 1, subject };
  await run(metadata, { working, signal: new AbortController().signal });
  return times;
}
