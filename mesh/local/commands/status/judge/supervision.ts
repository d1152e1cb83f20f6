import type { Readings } from '../read/readings.ts';
import { type Problem, runbookOf } from './problem.ts';

/** A dead supervisor, and what it left: "the supervisor died and left 9 processes; envoy is gone". */
export function supervisorDied({ processes }: Pick<Readings, 'processes'>): string {
  const gone = processes.filter(({ pid }) => pid === undefined).map(({ name }) => name);
  const suffix = gone.length === 0 ? '' : `; ${gone.join(', ')} ${gone.length === 1 ? 'is' : 'are'} gone`;
  return `the supervisor died and left ${processes.length - gone.length} processes${suffix}`;
}

/**
 * What keeps the stack from healing itself: as bad as what is away already. No alert says it: in a cluster there is no supervisor.
 * @param away problems of processes, worst first
 */
export function judgeSupervision(readings: Readings, away: readonly Problem[]): Problem[] {
  const { supervisor, stack } = readings;
  const found: Problem[] = [];
  const about = {
    ...{ alert: 'SupervisorAway', subject: 'supervisor', since: undefined, runbook: runbookOf('ServiceDown') },
    ...{ impact: away[0]?.impact ?? 'soon', noticed: noticedOf(away[0]) },
  } as const;
  if (supervisor.state === 'frozen') {
    const suffix =
      away.length === 0 ? '' : `, and starts nothing again (${away.map(({ subject }) => subject).join(', ')})`;
    const what = `the supervisor is frozen: a signal has stopped it${suffix}`;
    found.push({ ...about, what, next: `kill -CONT ${supervisor.pid}` });
  }
  if (supervisor.state === 'dead') found.push({ ...about, what: supervisorDied(readings), next: './oxo up' });
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

function noticedOf(worst: Problem | undefined): string {
  if (worst === undefined || worst.impact === 'soon') return 'nothing yet; what ends from now on does not come back';
  return `${worst.noticed}; and it does not come back by itself`;
}
