/**
 * How much of it people notice, worst first: nobody is served; some requests fail; all are served, but something is late, slow or
 * unprotected; nothing yet.
 */
export const impacts = ['outage', 'partial', 'degraded', 'soon'] as const;

export type Impact = (typeof impacts)[number];

/** Those of mesh/observability/rules, by whose names runbooks are found. */
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
  /** The alert that says the same; of another that fires, its own name. */
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

/** Runbooks that are about several alerts. */
const shared: Readonly<Record<string, string>> = {
  ApiErrorBudgetBurnFast: 'api-error-budget-burn',
  FeedReadsSlow: 'slow-answers',
  PostsSlow: 'slow-answers',
  ConsumerStopped: 'consumer-lagging',
  RedeliveriesHigh: 'consumer-lagging',
  SigningKeyOld: 'key-old',
  EncryptionKeyOld: 'key-old',
  DiskFilling: 'disk',
  WritesRefusedDiskFull: 'disk',
};

/** Where what to do about an alert stands. */
export function runbookOf(alert: string): string {
  const kebab = alert.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  return `mesh/observability/runbooks/${shared[alert] ?? kebab}.md`;
}
