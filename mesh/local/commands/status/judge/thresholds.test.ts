/** What status finds wrong, Prometheus finds wrong by the same numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertsOf, readRuleFiles, recordingsOf } from '../../../../observability/rules/read.ts';
import { thresholds } from './thresholds.ts';

const files = readRuleFiles();

/** All that the rules say of an alert, or record under a name. */
function said(name: string, labels = ''): string {
  const alerts = alertsOf(files).filter(({ alert }) => alert === name);
  const recorded = recordingsOf(files).filter(
    (each) => each.record === name && JSON.stringify(each.labels ?? {}).includes(labels),
  );
  return [...alerts, ...recorded].map(({ expr }) => expr).join('\n');
}

test('the numbers of status are those of the alerts', () => {
  const wanted: readonly (readonly [expr: string, part: string])[] = [
    [said('OutboxStuck'), `> ${thresholds.outboxSeconds}`],
    [said('ConsumerLagging'), `> ${thresholds.consumerLag}`],
    [said('ConsumerStopped'), `> ${thresholds.fetchSilenceSeconds}`],
    [said('slo:error_budget_burn:page'), `> ${thresholds.errorBudgetBurn}`],
    [said('slo:objective:ratio', 'front_door_availability'), String(thresholds.availability)],
    [said('slo:requests_failed:rate5m', 'feed_read_latency'), `le="${thresholds.answerSeconds}"`],
    [said('slo:requests_failed:rate5m', 'post_latency'), `le="${thresholds.answerSeconds}"`],
    [said('slo:requests_failed:rate5m', 'post_visibility'), `le=~"${thresholds.postVisibleSeconds}([.]0)?"`],
    [said('MailsFail'), `> ${thresholds.mailsFailed}`],
    [said('EventLoopBlocked'), `> ${thresholds.blockedSeconds}`],
    [said('SigningKeyOld'), `> ${thresholds.signingKeyGraceDays} * 86400`],
  ];
  for (const [expr, part] of wanted) assert.ok(expr.includes(part), `${part} in: ${expr}`);
});
