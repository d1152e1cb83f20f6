import { setTimeout as delay } from 'node:timers/promises';
import { inParallel } from '../client/in-parallel.ts';
import { type Person, personAt } from '../client/people.ts';
import { services } from '../services.ts';
import { readEvents, readOutboxes } from '../stack/health.ts';
import type { StackUrls } from '../stack/plan.ts';
import type { FeedRun } from './phases.ts';

const limitMs = 120_000;
const pollMs = 250;
const pageSize = 100;

/**
 * Waits until the beginning of these people's feeds is as it should be, and, where the stack is on this machine, until no
 * event is waiting. It gives up after two minutes: what is wrong then, the comparison shows.
 * @returns whether everything has settled
 */
export async function settle(
  run: FeedRun,
  people: readonly Person[],
  readers: readonly number[],
  behind: StackUrls | undefined,
): Promise<boolean> {
  const phase = run.progress.phase('waiting for the feeds', readers.length);
  const deadlineMs = performance.now() + limitMs;
  let waiting = readers;
  for (;;) {
    const idle = behind === undefined || (await eventsAreThrough(behind));
    const unsettled: number[] = [];
    await inParallel(waiting, run.connections, async (reader) => {
      if (!(await beginsRight(run, people, reader))) unsettled.push(reader);
    });
    waiting = unsettled;
    phase.at(readers.length - waiting.length);
    const settled = idle && waiting.length === 0;
    if (settled || performance.now() > deadlineMs) {
      phase.end(
        settled ? 'all events are through' : `${waiting.length} feeds have not settled${idle ? '' : ', events wait'}`,
      );
      return settled;
    }
    await delay(pollMs, undefined, { signal: run.signal });
  }
}

async function beginsRight(run: FeedRun, people: readonly Person[], reader: number): Promise<boolean> {
  const { items } = await run.api.readFeed(await personAt(people, reader).token(), pageSize);
  const wanted = run.expected.feedOf(reader).slice(0, pageSize);
  return items.length === wanted.length && items.every((item, index) => item.id === wanted[index]?.id);
}

/** Whether every event has been published, and handled by all who read it. */
export async function eventsAreThrough(urls: StackUrls): Promise<boolean> {
  try {
    const [outboxes, { consumers }] = await Promise.all([
      readOutboxes(urls.databases, services),
      readEvents(urls.nats),
    ]);
    if (outboxes.some((outbox) => outbox.waiting > 0)) return false;
    return consumers.every((consumer) => consumer.pending === 0 && consumer.inFlight === 0);
  } catch {
    // A server that is being restarted is not idle.
    return false;
  }
}
