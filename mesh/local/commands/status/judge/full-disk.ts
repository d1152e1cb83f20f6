import type { Readings } from '../read/readings.ts';
import { byImpact, type Problem } from './problem.ts';

/** What can not write, and therefore does not start, or takes no new connection. */
const writers: readonly string[] = ['PostgresAway', 'NatsAway', 'ServiceDown'];

/**
 * With a full disk it comes first, and what can not work without room hangs on it: there is one thing to do. While Postgres runs, and only takes no
 * new connection, people read: the services have theirs.
 */
export function hangOnFullDisk(found: readonly Problem[], { processes, disk }: Readings): Problem[] {
  const cause = found.find(({ alert }) => alert === 'WritesRefusedDiskFull');
  if (!disk.full || cause === undefined) return [...found];
  const processOf = (name: string | undefined) => processes.find((each) => each.name === name);
  const hangs = ({ alert, subject }: Problem): boolean =>
    writers.includes(alert) && processOf(subject)?.frozen !== true;
  const hanging = found.filter(hangs).map((each) => {
    const runs = processOf(each.subject)?.state === 'ready';
    const next = `make room first: ${cause.next}`;
    if (!runs || each.impact !== 'outage') return { ...each, next };
    return { ...each, next, impact: cause.impact, noticed: cause.noticed };
  });
  const [worst] = byImpact([cause, ...hanging]);
  const { impact, noticed } = worst ?? cause;
  return [{ ...cause, impact, noticed }, ...hanging, ...found.filter((each) => each !== cause && !hangs(each))];
}
