import { SECOND_MS } from '#kit/clock.ts';
import type { OutboxHealth } from '../../../stack/health.ts';
import { type ConsumerStatus, isIdle } from '../read/events.ts';
import { isUnread, type Readings } from '../read/readings.ts';
import { type Problem, problem } from './problem.ts';
import { thresholds } from './thresholds.ts';

/** An event waits for milliseconds. Who looks is told before the alert, as something that may come: it mends itself when NATS was away. */
const lateSeconds = 5;
/** Of those in hand now; the alert counts them over ten minutes, which status does not see. */
const redeliveredFrom = 10;
const fetchSilenceMs = thresholds.fetchSilenceSeconds * SECOND_MS;
/** Events that wait are asked for at once, and a try of one takes less. */
const standsStillMs = 10 * SECOND_MS;

/** How events come late, or not at all. */
export function judgeEvents({ outboxes, events, nowMs }: Readings): Problem[] {
  return [
    ...(isUnread(outboxes) ? [] : outboxes.flatMap((outbox) => judgeOutbox(outbox, nowMs))),
    ...(isUnread(events) ? [] : events.consumers.flatMap((consumer) => judgeConsumer(consumer, nowMs))),
    ...(isUnread(events) || events.deadLetters === 0 ? [] : [deadLetters(events.deadLetters, events.deadSince)]),
  ];
}

function judgeOutbox({ schema, waiting, oldestSeconds }: OutboxHealth, nowMs: number): Problem[] {
  if (oldestSeconds < lateSeconds) return [];
  const service = schema.replace(/s$/, '');
  return [
    problem('OutboxStuck', {
      subject: schema,
      impact: oldestSeconds < thresholds.outboxSeconds ? 'soon' : 'degraded',
      what: `${waiting} events wait in the outbox of ${schema}, the oldest for ${Math.round(oldestSeconds)} s`,
      noticed: 'what was written counts, but reaches feeds, other services and mails late',
      since: new Date(nowMs - oldestSeconds * 1_000).toISOString(),
      next: `./oxo logs ${service}`,
    }),
  ];
}

function judgeConsumer(consumer: ConsumerStatus, nowMs: number): Problem[] {
  const { name, pending, redelivered, lastFetchAt, lastDeliveredAt } = consumer;
  const service = name.split('-')[0] ?? name;
  const about = { subject: name, noticed: noticedOf(name), next: `./oxo logs ${service}` };
  if (consumer.pausedUntil !== undefined) {
    const impact = pending > 0 ? 'degraded' : 'soon';
    const what = `${name} is paused until ${consumer.pausedUntil}: NATS hands out none of its events; ${pending} wait`;
    return [problem('ConsumerStopped', { ...about, impact, what, next: './oxo migrate' })];
  }
  const silent = lastFetchAt !== undefined && nowMs - Date.parse(lastFetchAt) > fetchSilenceMs;
  if (isIdle(consumer) || (silent && consumer.pulls === 0)) {
    const what = `nobody fetches the events of ${name}; ${pending} wait`;
    return [problem('ConsumerStopped', { ...about, impact: 'degraded', what, since: lastFetchAt ?? lastDeliveredAt })];
  }
  const { oldestWaitingAt } = consumer;
  if (oldestWaitingAt !== undefined && standsStill(consumer, nowMs)) {
    const what = `nothing of what waits for ${name} is handled: ${pending} wait`;
    return [problem('ConsumerStopped', { ...about, impact: 'degraded', what, since: oldestWaitingAt })];
  }
  const found: Problem[] = [];
  if (pending > thresholds.consumerLag) {
    const what = `${name} is ${pending} events behind`;
    found.push(problem('ConsumerLagging', { ...about, impact: 'degraded', what }));
  }
  if (redelivered >= redeliveredFrom) {
    const what = `${name} fails at events: ${redelivered} in hand are not there for the first time`;
    found.push(problem('RedeliveriesHigh', { ...about, impact: 'degraded', what }));
  }
  return found;
}

/** An event has waited for a while, in which none was handed out. */
function standsStill({ oldestWaitingAt, lastDeliveredAt }: ConsumerStatus, nowMs: number): boolean {
  const isLongAgo = (time: string | undefined): boolean => nowMs - Date.parse(time ?? '') > standsStillMs;
  return isLongAgo(oldestWaitingAt) && (lastDeliveredAt === undefined || isLongAgo(lastDeliveredAt));
}

function noticedOf(consumer: string): string {
  if (consumer.startsWith('feed-')) return 'new posts and follows reach feeds late';
  if (consumer.includes('mail')) return 'mails (confirmations, resets) are late';
  return `what ${consumer} does is late`;
}

function deadLetters(count: number, since: string | undefined): Problem {
  return problem('DeadLetters', {
    impact: 'degraded',
    what: `${count} ${count === 1 ? 'event was' : 'events were'} given up`,
    noticed: 'what they should have done is missing: a post in a feed, a mail, an erasure',
    since,
    next: './oxo dead-letters list',
  });
}
