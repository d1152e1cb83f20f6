import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '#kit/clock.ts';
import { withTimeLimit } from '#kit/time-limit.ts';
import { messageOf } from '../../../cli/cli-error.ts';
import { isFull, readDisk } from '../../../machine/disk.ts';
import type { Settings } from '../../../settings.ts';
import { readOutboxes } from '../../../stack/health.ts';
import { readLimitsHealth } from '../../../stack/limits-health.ts';
import { planStack, type StackPlan } from '../../../stack/plan.ts';
import { isStopped, readProcessTree } from '../../../supervisor/proc.ts';
import type { ProcessRecord, StackState } from '../../../supervisor/state.ts';
import { readAlerts } from './alerts.ts';
import { readEventsSurely, withFetches } from './events.ts';
import { readKeys } from './keys.ts';
import { askProcess, describeProcess, withVersions } from './processes.ts';
import { readLongRates } from './prometheus.ts';
import { ratesBetween } from './rates.ts';
import { isUnread, type Readings, type Unread } from './readings.ts';
import { type Scrape, scrape } from './scrape.ts';

/** Whatever is frozen, all of it ends within these: they run side by side. */
const healthTimeoutMs = 1_400;
const firstScrapeTimeoutMs = 700;
const secondScrapeTimeoutMs = 600;
/** Between two readings of counters, where there is none from before. */
const apartMs = 900;
const rotateAfterDays = 90;

export type Reading = { readonly readings: Readings; readonly scrape: Scrape };

/**
 * Asks everything at once; what gives no answer is said in its place. Never rejects because something is away.
 * @param state its processes are asked, also those that have ended since it was written
 * @param supervised whether their supervisor is alive
 * @param before an earlier scrape, from which rates are counted; without one, counters are read twice, a second apart
 */
export async function readAll(
  settings: Settings,
  state: StackState,
  supervised: boolean,
  before?: Scrape,
): Promise<Reading> {
  const plan = planStack(settings);
  const { processes: records, phase, publicUrl, version, error, startedAt, own, supervisor } = state;
  const rotation = Number(state.variables?.KEY_ROTATE_AFTER_DAYS || rotateAfterDays);
  const hasFrontDoor = records.some(({ name }) => name === 'envoy');
  const isAsked = plan.urls.prometheus !== undefined && records.some(({ name }) => name === 'prometheus');
  const prometheus = isAsked ? plan.urls.prometheus : undefined;
  const [scrapes, asked, outboxes, events, limits, keys, frontDoor, alerts, longRates] = await Promise.all([
    scrapeTwice(plan, records, before),
    Promise.all(records.map(async (record) => ({ record, answered: await askProcess(plan, record) }))),
    limited('Postgres', readOutboxes(plan.urls.databases, plan.services)),
    limited('NATS', readEventsSurely(plan.urls.nats)),
    limited('Envoy', readLimitsHealth(plan, state)),
    limited('Postgres', readKeys(plan, rotation)),
    hasFrontDoor ? limited('the front door', askFrontDoor(plan.urls.frontDoor)) : undefined,
    prometheus === undefined ? undefined : limited('Prometheus', readAlerts(prometheus, healthTimeoutMs)),
    prometheus === undefined ? undefined : limited('Prometheus', readLongRates(prometheus, healthTimeoutMs)),
  ]);
  const [former, present] = scrapes;
  // Only now: while /proc is read no answer is, and whoever was asked would seem to be late.
  const tree = readProcessTree();
  const processes = asked.map(({ record, answered }) => describeProcess(record, answered, tree));
  const samples = present.processes;
  const disk = readDisk(settings.stateDir);
  const readings: Readings = {
    nowMs: systemClock.nowMs(),
    stack: { phase, publicUrl, version, error, startedAt, own },
    supervisor: { pid: supervisor.pid, state: !supervised ? 'dead' : isStopped(supervisor) ? 'frozen' : 'running' },
    urls: plan.urls,
    processes: withVersions(processes, samples, plan.urls.operations, version),
    events: isUnread(events) ? events : withFetches(events, samples),
    disk: { ...disk, full: isFull(disk) },
    rates: former === undefined ? undefined : ratesBetween(former, present),
    longRates: isUnread(longRates) ? undefined : longRates,
    ...{ frontDoor, outboxes, limits, keys, samples, alerts },
  };
  return { readings, scrape: present };
}

async function scrapeTwice(
  { urls }: StackPlan,
  records: readonly ProcessRecord[],
  before: Scrape | undefined,
): Promise<[Scrape | undefined, Scrape]> {
  const running = new Set(records.map(({ name }) => name));
  const operations = Object.fromEntries(Object.entries(urls.operations).filter(([name]) => running.has(name)));
  const asked = { envoyAdmin: urls.envoyAdmin, operations };
  if (before !== undefined) return [before, await scrape(asked, firstScrapeTimeoutMs)];
  const startedMs = performance.now();
  const first = await scrape(asked, firstScrapeTimeoutMs);
  const someAnswered = first.gateway !== undefined || Object.keys(first.processes).length > 0;
  if (!someAnswered) return [undefined, first];
  await delay(Math.max(0, apartMs - (performance.now() - startedMs)));
  return [first, await scrape(asked, secondScrapeTimeoutMs)];
}

async function limited<T>(server: string, reading: Promise<T>): Promise<T | Unread> {
  const result = withTimeLimit(reading, healthTimeoutMs, `${server} is not answering`);
  return result.catch((error) => ({ error: messageOf(error) }));
}

/** What Envoy answers itself, so that it says something of the front door alone. */
async function askFrontDoor(frontDoor: string): Promise<{ readonly ms: number }> {
  const startedMs = performance.now();
  const response = await fetch(`${frontDoor}/openapi.yaml`, { signal: AbortSignal.timeout(healthTimeoutMs) });
  await response.body?.cancel();
  if (response.status >= 500) throw new Error(`it answers ${response.status}`);
  return { ms: performance.now() - startedMs };
}
