import { SECOND_MS } from '#kit/clock.ts';
import type { Rate, Rates } from '../read/rates.ts';
import type { Readings } from '../read/readings.ts';
import { type AlertName, type Problem, problem } from './problem.ts';
import { thresholds } from './thresholds.ts';

/** At this rate the errors of a month are used up in two days. */
const burnShare = thresholds.errorBudgetBurn * (1 - thresholds.availability);
/** One failed request in a second says little, and so does the slowest of a few. */
const fewErrors = 3;
const fewAnswers = 50;

/** At p99. Twice what is promised: of a second's hundred answers one is slow by chance; the alerts look at an hour. */
const slowMs = 2 * thresholds.answerSeconds * SECOND_MS;
const slow: readonly { readonly alert: AlertName; readonly rpc: RegExp; readonly what: string }[] = [
  { alert: 'FeedReadsSlow', rpc: /\/GetFeed$/, what: 'feeds open slowly' },
  { alert: 'PostsSlow', rpc: /\/CreatePost$/, what: 'posting is slow' },
];
const lateFanoutMs = thresholds.postVisibleSeconds * SECOND_MS;

/** Errors and slowness of what people do. */
export function judgeTraffic({ rates }: Pick<Readings, 'rates'>): Problem[] {
  if (rates === undefined) return [];
  return [...judgeErrors(rates), ...judgeSlowness(rates), ...judgeMails(rates)];
}

function judgeErrors({ frontDoor, rpcs, seconds }: Rates): Problem[] {
  if (frontDoor === undefined || frontDoor.errorsPerSecond * seconds < fewErrors) return [];
  const share = frontDoor.errorsPerSecond / frontDoor.perSecond;
  if (share < burnShare) return [];
  const worst = rpcs.toSorted((a, b) => b.errorsPerSecond - a.errorsPerSecond)[0];
  const service = worst === undefined || worst.errorsPerSecond === 0 ? undefined : /oxo\.(\w+)\./.exec(worst.rpc)?.[1];
  return [
    problem('ApiErrorBudgetBurnFast', {
      impact: 'partial',
      what: `${percent(share)} of all requests fail${service === undefined ? '' : `, most at ${worst?.rpc}`}`,
      noticed: `${percent(share)} of what people do is answered by an error (5xx)`,
      next: `./oxo logs ${service ?? 'envoy'}`,
    }),
  ];
}

function judgeSlowness({ rpcs, seconds, fanoutP99Ms }: Rates): Problem[] {
  const isMeasured = (rate: Rate): boolean => rate.perSecond * seconds >= fewAnswers;
  const found = slow.flatMap(({ alert, rpc, what }) => {
    const rate = rpcs.find((each) => rpc.test(each.rpc));
    if (rate?.p99Ms === undefined || rate.p99Ms < slowMs || !isMeasured(rate)) return [];
    const service = /oxo\.(\w+)\./.exec(rate.rpc)?.[1] ?? '';
    return [
      problem(alert, {
        impact: 'degraded',
        what: `${rate.rpc} takes ${rate.p99Ms.toFixed(0)} ms (p99)`,
        noticed: `${what}: one in a hundred waits at least ${rate.p99Ms.toFixed(0)} ms`,
        next: `./oxo logs ${service}`,
      }),
    ];
  });
  if (fanoutP99Ms === undefined || fanoutP99Ms < lateFanoutMs) return found;
  return [
    ...found,
    problem('PostVisibleLate', {
      impact: 'degraded',
      what: `posts reach feeds after ${(fanoutP99Ms / 1_000).toFixed(1)} s (p99)`,
      noticed: 'new posts are in the feeds of followers late',
      next: './oxo logs feed',
    }),
  ];
}

function judgeMails({ mailsFailed, mailsSent }: Rates): Problem[] {
  if (mailsFailed < fewErrors || mailsFailed / (mailsFailed + mailsSent) <= thresholds.mailsFailed) return [];
  return [
    problem('MailsFail', {
      impact: 'degraded',
      what: `${mailsFailed} mails could not be given to the mail server, ${mailsSent} could`,
      noticed: 'confirmations and resets do not arrive; they are tried again',
      next: './oxo logs auth',
    }),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
