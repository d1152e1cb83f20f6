import { SECOND_MS } from '#kit/clock.ts';
import type { Alert } from '../read/alerts.ts';
import { isUnread, type Readings } from '../read/readings.ts';
import { judgeEvents } from './events.ts';
import { hangOnFullDisk } from './full-disk.ts';
import { byImpact, type Problem, runbookOf } from './problem.ts';
import { judgeProcesses } from './processes.ts';
import { judgeResources } from './resources.ts';
import { judgeSupervision } from './supervision.ts';
import { judgeTraffic } from './traffic.ts';

/** What fails once in a while is not over because it has not for a moment. */
const overAfterMs = 60 * SECOND_MS;

/** Everything that is wrong, worst first. It looks at nothing but the readings. */
export function judge(readings: Readings): Problem[] {
  const away = judgeProcesses(readings);
  const others = [judgeTraffic, judgeEvents, judgeResources].flatMap((each) => each(readings));
  const caused = hangOnFullDisk([...away, ...others], readings);
  const awayNow = byImpact(caused.filter(({ alert }) => away.some((each) => each.alert === alert)));
  // First among equals: what would heal the rest.
  const found = [...judgeSupervision(readings, awayNow), ...caused];
  const { alerts } = readings;
  return byImpact(alerts === undefined || isUnread(alerts) ? found : withAlerts(found, alerts, readings));
}

/** Prometheus knows since when, and sees what takes longer than two readings to be seen: what it wakes somebody for is not only `soon`. */
function withAlerts(found: readonly Problem[], alerts: readonly Alert[], readings: Readings): Problem[] {
  const dated = found.map((each) => {
    const firing = alerts.filter(({ name }) => name === each.alert);
    const alert = firing.find(({ severity }) => severity === 'page') ?? firing[0];
    if (alert === undefined) return each;
    const impact = alert.severity === 'page' && each.impact === 'soon' ? 'degraded' : each.impact;
    return { ...each, impact, since: each.since ?? alert.since };
  });
  const known = new Set(found.map(({ alert }) => alert));
  const more = alerts.filter(({ name }) => !known.has(name));
  const firsts = [...Map.groupBy(more, ({ name }) => name).values()].flatMap(([first]) => first ?? []);
  return [...dated, ...firsts.map((alert) => asProblem(alert, readings))];
}

function asProblem(alert: Alert, readings: Readings): Problem {
  const { name, severity, summary, description, runbook, since, firstCommand } = alert;
  const over = name.startsWith('ApiErrorBudgetBurn') ? failedUntil(readings) : undefined;
  const about = { alert: name, subject: undefined, since, next: firstCommand ?? './oxo doctor' };
  const where = { ...about, runbook: runbook ?? runbookOf(name) };
  if (over !== undefined) {
    const noticed = 'nothing any more; the alert ends by itself when enough has gone well';
    return { ...where, impact: 'soon', what: `${over} (${summary})`, noticed };
  }
  return {
    ...where,
    impact: severity === 'page' ? 'degraded' : 'soon',
    what: summary === '' ? `${name} fires` : summary,
    noticed: description === '' ? 'see its runbook' : description,
  };
}

/** Their alert fires on for minutes. Undefined while requests fail, or that can't be told. */
function failedUntil({ rates, longRates, nowMs }: Readings): string | undefined {
  if (rates === undefined || longRates === undefined) return undefined;
  const measured = rates.frontDoor === undefined ? rates.rpcs : [rates.frontDoor, ...rates.rpcs];
  if (measured.some(({ errorsPerSecond }) => errorsPerSecond > 0)) return undefined;
  const { lastFaultAt } = longRates;
  if (lastFaultAt === undefined) return 'requests failed, and none has failed for an hour';
  if (nowMs - Date.parse(lastFaultAt) < overAfterMs) return undefined;
  return `requests failed until ${lastFaultAt.slice(11, 16)} UTC, and do not now`;
}

/** Whether people are served, by the worst of the problems. */
export type Serving = 'served' | 'degraded' | 'partly' | 'not served';

export function servingOf(problems: readonly Problem[]): Serving {
  const worst = problems[0]?.impact;
  if (worst === 'outage') return 'not served';
  if (worst === 'partial') return 'partly';
  return worst === 'degraded' ? 'degraded' : 'served';
}
