import { type Clock, systemClock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { collectReading } from '#kit/observability/readings.ts';

/** More rows are not counted: the number is asked for at every scrape, and a table in which so many wait needs no exact one. */
const MAX_COUNTED = 100_000;

/** Its sort key is the order in which events are published; the oldest is the one that has been waited for longest. */
const READ = {
  name: 'outbox-waiting',
  text: `select (select count(*)::int from (select from outbox limit ${MAX_COUNTED}) as counted) as waiting,
    (select extract(epoch from clock_timestamp() - created_at)::float8 from outbox order by id limit 1) as age`,
};

/**
 * Metrics of the outbox of one schema: each replica tells of the whole table, asked at the scrape, and of what its own relay published.
 * While it cannot be read nothing is told of it.
 * @returns what the relay is to be told
 */
export function measureOutbox(
  metrics: Metrics,
  db: Queryable,
  clock: Clock = systemClock,
): { onPublished: (events: number) => void } {
  const age = metrics.gauge({
    name: 'oxo_outbox_age_seconds',
    help: 'How long the oldest event of the outbox has waited to be published; 0 when none waits.',
  });
  const waiting = metrics.gauge({
    name: 'oxo_outbox_waiting',
    help: `Events of the outbox that wait to be published or to be deleted, counted up to ${MAX_COUNTED}.`,
  });
  const published = metrics.counter({
    name: 'oxo_outbox_published_total',
    help: 'Events that JetStream has acknowledged.',
  });
  const read = async () => {
    const [row] = await db.query<{ waiting: number; age: number | null }>(READ);
    return row;
  };
  const tell = (row: Awaited<ReturnType<typeof read>>): void => {
    waiting.set(row?.waiting ?? 0);
    age.set(Math.max(0, row?.age ?? 0));
  };
  const forget = (): void => {
    waiting.remove();
    age.remove();
  };
  collectReading(metrics, { read, tell, forget }, clock);
  return { onPublished: (events) => published.inc(events) };
}
