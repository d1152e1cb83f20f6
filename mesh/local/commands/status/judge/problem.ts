import { alertsOf, readRuleFiles } from '../../../../observability/rules/read.ts';

/**
 * How much of it people notice, worst first: nobody is served, or with hardly anything; some requests fail; all are served, but something is late, slow or
 * unprotected; nothing yet.
 */
export const impacts = ['outage', 'partial', 'degraded', 'soon'] as const;

export type Impact = (typeof impacts)[number];

/** Alerts (mesh/observability/rules) about what status sees itself; of the others it tells what Prometheus says. A test compares. */
export const alertNames = [
  'ServiceDown',
  'FrontDoorDown',
  'ApiErrorBudgetBurnFast',
  'FeedReadsSlow',
  'PostsSlow',
  'PostVisibleLate',
  'OutboxStuck',
  'NatsAway',
  'PostgresAway',
  'RedisAway',
  'ConsumerLagging',
  'ConsumerStopped',
  'DeadLetters',
  'RedeliveriesHigh',
  'LimiterAway',
  'RevocationsNotHeard',
  'SigningKeyOld',
  'EncryptionKeyOld',
  'DiskFilling',
  'WritesRefusedDiskFull',
  'TargetMissing',
  'EventLoopBlocked',
  'DatabasePoolExhausted',
  'MailsFail',
] as const;

export type AlertName = (typeof alertNames)[number];

export type Problem = {
  /**
   * The alert about the same, which may come later: it looks at minutes or hours, status at one moment. Of another that fires, its own name.
   */
  readonly alert: string;
  /** What it is about, such as a process or a consumer. */
  readonly subject: string | undefined;
  readonly impact: Impact;
  /** What is wrong, in one line. */
  readonly what: string;
  /** What people notice of it. */
  readonly noticed: string;
  /** ISO 8601; undefined when that can't be told. */
  readonly since: string | undefined;
  /** The next command. */
  readonly next: string;
  /** Path from the root of the repository; undefined when there is none for it. */
  readonly runbook: string | undefined;
};

export type Found = Omit<Problem, 'alert' | 'subject' | 'since' | 'runbook'> & {
  readonly subject?: string;
  readonly since?: string | undefined;
};

export function problem(alert: AlertName, found: Found): Problem {
  return { alert, subject: undefined, since: undefined, runbook: runbookOf(alert), ...found };
}

/** Worst first; among equals as they were found. */
export function byImpact(found: readonly Problem[]): Problem[] {
  return found.toSorted((a, b) => impacts.indexOf(a.impact) - impacts.indexOf(b.impact));
}

let runbooks: ReadonlyMap<string, string> | undefined;

/** Where what to do about an alert stands, from the root of the repository: its rule says it. Undefined where there is no such alert. */
export function runbookOf(alert: string): string | undefined {
  runbooks ??= new Map(alertsOf(readRuleFiles()).map(({ alert: name, annotations }) => [name, annotations.runbook]));
  return runbooks.get(alert);
}
