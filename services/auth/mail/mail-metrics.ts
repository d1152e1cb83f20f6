import { type Metrics, startAtZero } from '#kit/observability/metrics.ts';
import { BOUNDS, type MailKind } from './kinds.ts';

/**
 * What became of a mail. QUEUED and LIMITED: when it was asked for; the rest when it was its turn. FAILED: it is tried again, or given up as a dead letter. REFUSED: its
 * address takes no mail. EXPIRED: it came too late to be of use.
 */
export type MailOutcome = 'QUEUED' | 'LIMITED' | 'SENT' | 'FAILED' | 'REFUSED' | 'EXPIRED';

export type CountMail = (kind: MailKind, outcome: MailOutcome) => void;

export function createMailMetrics(metrics: Metrics): CountMail {
  const mails = metrics.counter({
    name: 'oxo_auth_mails_total',
    help: 'Steps of mails by kind: QUEUED, FAILED for each try that did, SENT and so on; one mail is counted at each of its own.',
    labelNames: ['kind', 'outcome'],
  });
  for (const kind of Object.keys(BOUNDS)) startAtZero(mails, { kind, outcome: 'SENT' }, { kind, outcome: 'FAILED' });
  return (kind, outcome) => mails.inc({ kind, outcome });
}
