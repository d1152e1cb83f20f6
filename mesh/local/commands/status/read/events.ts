import { setTimeout as delay } from 'node:timers/promises';
import { type ConsumerHealth, type EventsHealth, readEvents } from '../../../stack/health.ts';
import { type Sample, samplesOf } from './samples.ts';

export type ConsumerStatus = ConsumerHealth & {
  /** When a process last asked for events, ISO 8601; undefined when none tells. */
  readonly lastFetchAt: string | undefined;
};

export type EventsStatus = Omit<EventsHealth, 'consumers'> & { readonly consumers: readonly ConsumerStatus[] };

/** Between two requests of a consumer that works there may be none for a moment. */
const lookAgainAfterMs = 250;

/** Whether nobody asks for the events of a consumer, or works on some. */
export function isIdle({ pulls, inFlight }: Pick<ConsumerHealth, 'pulls' | 'inFlight'>): boolean {
  return pulls === 0 && inFlight === 0;
}

/** Looks again where a consumer seems to be stopped. Rejects when NATS is away. */
export async function readEventsSurely(url: string): Promise<EventsHealth> {
  const first = await readEvents(url);
  if (!first.consumers.some(isIdle)) return first;
  await delay(lookAgainAfterMs);
  return readEvents(url);
}

/** With what the processes tell of their consumers. */
export function withFetches(
  { consumers, ...rest }: EventsHealth,
  samples: Readonly<Record<string, readonly Sample[]>>,
): EventsStatus {
  const all = Object.values(samples).flat();
  const fetched = (consumer: string): string | undefined => {
    const found = samplesOf(all, 'oxo_consumer_last_fetch_timestamp_seconds', { consumer });
    const latest = Math.max(0, ...found.map(({ value }) => value));
    return latest > 0 ? new Date(latest * 1_000).toISOString() : undefined;
  };
  return { ...rest, consumers: consumers.map((each) => ({ ...each, lastFetchAt: fetched(each.name) })) };
}
