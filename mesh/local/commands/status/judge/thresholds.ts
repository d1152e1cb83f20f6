/** Numbers that alerts (mesh/observability/rules) have as well; a test compares them. What only status has stands where it is used. */

export const thresholds = {
  /** OutboxStuck: how long an event may wait. */
  outboxSeconds: 60,
  /** ConsumerLagging. */
  consumerLag: 1_000,
  /** ConsumerStopped: it asks at least every ten seconds. */
  fetchSilenceSeconds: 60,
  /** ApiErrorBudgetBurnFast: how many times as fast as it may be the error budget is spent. */
  errorBudgetBurn: 14.4,
  /** The objective of the front door, of which the budget is what is left. */
  availability: 0.999,
  /** What we promise of GetFeed and CreatePost for 99 of 100. */
  answerSeconds: 0.25,
  /** What we promise of a post in the feeds of followers for 99 of 100. */
  postVisibleSeconds: 5,
  /** MailsFail: share of tries. */
  mailsFailed: 0.2,
  /** EventLoopBlocked. */
  blockedSeconds: 0.5,
  /** SigningKeyOld: after its turn. A rotation waits until the next key has been published long enough for all to know it. */
  signingKeyGraceDays: 2,
} as const;
