import type { Readings } from '../read/readings.ts';
import { type Problem, runbookOf } from './problem.ts';

/** What keeps the stack from healing itself. No alert says it: in a cluster there is no supervisor. */
export function judgeSupervision({ supervisor, stack, processes }: Readings): Problem[] {
  const found: Problem[] = [];
  const about = { subject: 'supervisor', impact: 'soon', runbook: runbookOf('ServiceDown') } as const;
  const noticed = 'nothing yet; what ends from now on does not come back';
  if (supervisor.state === 'frozen') {
    const what = 'the supervisor is frozen: a signal has stopped it';
    const next = `kill -CONT ${supervisor.pid}`;
    found.push({ ...about, alert: 'SupervisorAway', what, noticed, since: undefined, next });
  }
  if (supervisor.state === 'dead') {
    const what = `the supervisor died and left ${processes.length} processes`;
    found.push({ ...about, alert: 'SupervisorAway', what, noticed, since: undefined, next: './oxo up' });
  }
  if (stack.error !== undefined && supervisor.state !== 'dead') {
    found.push({
      ...{ alert: 'RollStopped', subject: undefined, impact: 'soon', since: undefined, runbook: undefined },
      what: stack.error.message,
      noticed: 'nothing, while both versions get on with each other',
      next: stack.error.advice[0] ?? './oxo up',
    });
  }
  return found;
}
