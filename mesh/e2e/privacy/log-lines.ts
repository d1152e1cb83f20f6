import assert from 'node:assert/strict';
import { services } from '../../local/services.ts';
import type { Cases } from '../testing/cases.ts';
import { logsOf, type Watch } from './seen.ts';

type Line = Readonly<Record<string, unknown>>;

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
/** Processes whose lines are ours to decide: the services, the front door, what stands beside them. */
const ours = new Set([
  ...services.map(({ name }) => name),
  ...services.filter(({ migrate }) => migrate !== undefined).map(({ name }) => `migrate-${name}`),
  ...['envoy', 'mail'],
]);

/** The lines of each process of ours, parsed. @throws AssertionError for one that is no object of JSON */
function linesOf(logs: readonly (readonly [string, string])[]): [name: string, lines: Line[]][] {
  return logs.flatMap(([where, text]): [string, Line[]][] => {
    const name = where.replace(/^the log (.*)\.log(\.1)?$/, '$1');
    if (!ours.has(name)) return [];
    return [
      [
        name,
        text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => parse(name, line)),
      ],
    ];
  });
}

function parse(name: string, line: string): Line {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Line;
  } catch {
    // Told below.
  }
  return assert.fail(`${name} writes a line that is no object of JSON: ${line.slice(0, 300)}`);
}

/** What is wrong with a line, in words. */
function problemOf(name: string, line: Line): string | undefined {
  const isText = (key: string) => typeof line[key] === 'string' && line[key] !== '';
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(line.time))) return 'has no time in ISO 8601';
  if (name === 'envoy') {
    if (isText('logger')) return isText('level') && isText('msg') ? undefined : 'has no level or no message';
    return ['requestId', 'trace_id', 'span_id', 'level', 'service'].every(isText)
      ? undefined
      : 'is of a request without its ids';
  }
  if (!levels.includes(String(line.level))) return 'has no level';
  if (!isText('service') || !isText('msg')) return 'has no service or no message';
  const isOfWork = 'rpc' in line || 'requestId' in line || ('eventId' in line && 'consumer' in line);
  if (isOfWork && !isText('requestId')) return 'is of a request or an event, and has no request id';
  if (isOfWork && !(isText('trace_id') && isText('span_id'))) return 'is of a request or an event, and has no trace';
  return undefined;
}

/** What the logs of the same world look like. */
export const logLines: Cases<Watch> = {
  'every line of every process of ours is one object of JSON with its time, level and ids': async ({ teller }) => {
    const all = linesOf(logsOf(teller.world));
    assert.deepEqual(new Set(all.map(([name]) => name)), ours);
    const problems = all.flatMap(([name, lines]) =>
      lines.flatMap((line) => {
        const problem = problemOf(name, line);
        return problem === undefined ? [] : [`${name} ${problem}: ${JSON.stringify(line).slice(0, 300)}`];
      }),
    );
    assert.deepEqual(problems.slice(0, 20), [], `${problems.length} lines`);
    const requests = all.flatMap(([, lines]) => lines.filter(({ requestId }) => requestId !== undefined));
    assert.ok(requests.length > 500, `${requests.length} lines of requests`);
  },
};

/** What a service does warn of while nothing fails: somebody has got hold of a token. */
const expected = new Set(['a consumed refresh token was used: the session is revoked']);

/** What is worth a look: the level is warn or more. */
export function loudLines({ teller }: Watch): string[] {
  const all = linesOf(logsOf(teller.world));
  return all.flatMap(([name, lines]) =>
    lines
      .filter(
        ({ level, msg }) =>
          ['warn', 'warning', 'error', 'fatal', 'critical'].includes(String(level)) && !expected.has(String(msg)),
      )
      .map((line) => `${name}: ${JSON.stringify(line).slice(0, 700)}`),
  );
}
