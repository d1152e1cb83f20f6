import type { Alert } from '../read/alerts.ts';
import { isUnread, type Readings } from '../read/readings.ts';
import { judgeEvents } from './events.ts';
import { hangOnFullDisk } from './full-disk.ts';
import { byImpact, type Problem, runbookOf } from './problem.ts';
import { judgeProcesses } from './processes.ts';
import { judgeResources } from './resources.ts';
import { judgeSupervision } from './supervision.ts';
import { judgeTraffic } from './traffic.ts';

/** Everything that is wrong, worst first. It looks at nothing but the readings. */
export function judge(readings: Readings): Problem[] {
  const away = judgeProcesses(readings);
  const others = [judgeTraffic, judgeEvents, judgeResources].flatMap((each) => each(readings));
  const caused = hangOnFullDisk([...away, ...others], readings);
  const awayNow = byImpact(caused.filter(({ alert }) => away.some((each) => each.alert === alert)));
  // First among equals: what would heal the rest.
  const found = [...judgeSupervision(readings, awayNow), ...caused];
  const { alerts } = readings;
  return byImpact(alerts === undefined || isUnread(alerts) ? found : withAlerts(found, alerts));
}

/** Prometheus knows since when, and sees what takes longer than two readings to be seen: what it wakes somebody for is not only `soon`. */
function withAlerts(found: readonly Problem[], alerts: readonly Alert[]): Problem[] {
  const dated = found.map((each) => {
    const firing = alerts.filter(({ name }) => name === each.alert);
    const alert = firing.find(({ severity }) => severity === 'page') ?? firing[0];
    if (alert === undefined) return each;
    const impact = alert.severity === 'page' && each.impact === 'soon' ? 'degraded' : each.impact;
    return { ...each, impact, since: each.since ?? alert.since };
  });
  const known = new Set(found.map(({ alert }) => alert));
  const more = alerts.filter(({ name }) => !known.has(name));
  return [
    ...dated,
    ...[...Map.groupBy(more, ({ name }) => name).values()].flatMap(([first]) => first ?? []).map(asProblem),
  ];
}

function asProblem({ name, severity, summary, description, runbook, since }: Alert): Problem {
  return {
    ...{ alert: name, subject: undefined, since },
    impact: severity === 'page' ? 'degraded' : 'soon',
    what: summary === '' ? `${name} fires` : summary,
    noticed: description === '' ? 'see its runbook' : description,
    next: './oxo doctor',
    runbook: runbook ?? runbookOf(name),
  };
}

/** Whether people are served, by the worst of the problems. */
export type Serving = 'served' | 'degraded' | 'partly' | 'not served';

export function servingOf(problems: readonly Problem[]): Serving {
  const worst = problems[0]?.impact;
  if (worst === 'outage') return 'not served';
  if (worst === 'partial') return 'partly';
  return worst === 'degraded' ? 'degraded' : 'served';
}
