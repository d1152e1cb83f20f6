import { formatTable } from '../../../cli/terminal.ts';
import { describeLimits } from '../../../stack/limits-health.ts';
import type { Status } from '../overview.ts';
import type { Rate, Rates } from '../read/rates.ts';
import { isUnread } from '../read/readings.ts';
import { age, ageSince } from './text.ts';

/** RPCs that are shown: the busiest. */
const mostRpcs = 12;
/** `0.1.0+2f08e907-dirty` and a longer release; whatever else somebody calls a version is cut. */
const mostOfVersion = 24;

type Rows = readonly (readonly string[])[];

export function processTable({ processes }: Status, nowMs: number): string {
  const total = processes.reduce((sum, entry) => sum + entry.memoryBytes, 0);
  const rows: Rows = [
    ['process', 'state', 'version', 'pid', 'restarts', 'MiB', 'since'],
    ...processes.map((entry) => [
      entry.name,
      entry.state,
      (entry.version ?? '-').slice(0, mostOfVersion),
      String(entry.pid ?? '-'),
      String(entry.restarts),
      mebibytes(entry.memoryBytes),
      ageSince(entry.since, nowMs),
    ]),
    ['all', '', '', '', '', mebibytes(total), ''],
  ];
  const ends = processes.filter(({ lastExit }) => lastExit !== undefined);
  return [formatTable(rows), ...ends.map(({ name, lastExit }) => `${name} ended last: ${lastExit}`)].join('\n');
}

export function outboxTable({ outboxes }: Status): string {
  if (isUnread(outboxes)) return `outboxes can't be read: ${outboxes.error}`;
  if (outboxes.length === 0) return 'no outbox yet';
  return formatTable([
    ['outbox', 'waiting', 'oldest s'],
    ...outboxes.map((outbox) => [outbox.schema, String(outbox.waiting), outbox.oldestSeconds.toFixed(1)]),
  ]);
}

export function consumerTable({ events }: Status, nowMs: number): string {
  if (isUnread(events)) return `streams can't be read: ${events.error}`;
  const { consumers, deadLetters, deadSince } = events;
  const oldest = deadLetters > 0 ? `, the oldest ${ageSince(deadSince, nowMs)} old (./oxo dead-letters list)` : '';
  const dead = `dead letters: ${deadLetters}${oldest}`;
  if (consumers.length === 0) return `no consumers yet\n\n${dead}`;
  const rows = consumers.map((one) => [
    one.name,
    ...[one.pending, one.inFlight, one.redelivered].map(String),
    one.pulls > 0 ? 'now' : ageSince(one.lastFetchAt ?? one.lastDeliveredAt, nowMs),
  ]);
  return `${formatTable([['consumer', 'lag', 'in flight', 'redelivered', 'fetched'], ...rows])}\n\n${dead}`;
}

/** What happens now, and where Prometheus runs also what did within five minutes. */
export function rateTable({ rates, longRates }: Status): string {
  const now = rates === undefined ? 'requests: nobody tells' : ratesInWords(rates);
  return longRates === undefined ? now : `${now}\n\n${ratesInWords(longRates)}`;
}

function ratesInWords(rates: Rates): string {
  const within = `in the last ${age(rates.seconds)}${rates.source === 'prometheus' ? ' (Prometheus)' : ''}`;
  const { frontDoor, rpcs } = rates;
  if (rpcs.length === 0 && (frontDoor?.perSecond ?? 0) === 0) return `requests: none ${within}`;
  const row = (name: string, rate: Rate): string[] => [
    name,
    rate.perSecond.toFixed(1),
    rate.perSecond === 0 ? '-' : ((100 * rate.errorsPerSecond) / rate.perSecond).toFixed(1),
    rate.p99Ms?.toFixed(rate.p99Ms < 10 ? 1 : 0) ?? '-',
  ];
  const rows: Rows = [
    [`requests ${within}`, 'per s', 'errors %', 'p99 ms'],
    ...(frontDoor === undefined ? [] : [row('front door', frontDoor)]),
    ...rpcs.slice(0, mostRpcs).map((rate) => row(rate.rpc.replace(/^oxo\.(\w+)\.v\d+\./, '$1 '), rate)),
  ];
  const left = rpcs.length - mostRpcs;
  return [formatTable(rows), ...(left > 0 ? [`and ${left} more RPCs`] : [])].join('\n');
}

export function limitLines({ limits }: Status): string {
  if (isUnread(limits)) return `limits can't be read: ${limits.error}`;
  return describeLimits(limits)
    .map((line) => `limits: ${line}`)
    .join('\n');
}

export function mailLine({ mails, urls }: Status): string | undefined {
  if (urls === undefined) return undefined;
  const where =
    urls.mails === undefined ? 'given to your own server (MAIL_SMTP_URL)' : `caught, to be read at ${urls.mails}`;
  const counts =
    mails?.sent === undefined ? '' : `; ${mails.sent} sent, ${mails.failed} failed, ${mails.givenUp} given up`;
  return `mails: ${where}${counts}`;
}

export function keyLine({ keys }: Status): string | undefined {
  if (keys === undefined) return undefined;
  if (isUnread(keys)) return `keys can't be read: ${keys.error}`;
  const { signingAgeSeconds, encryptionAgeSeconds, rotateAfterDays } = keys;
  const rotation = rotateAfterDays === undefined ? '' : ` (another one follows after ${rotateAfterDays} d)`;
  return `keys: signing ${age(signingAgeSeconds)} old${rotation}, encryption ${age(encryptionAgeSeconds)} old`;
}

export function machineLine({ machine }: Status): string {
  return `machine: load ${machine.load.toFixed(1)} on ${machine.processors} processors`;
}

export function diskLine({ disk }: Status): string {
  return `disk: ${gibibytes(disk.freeBytes)} of ${gibibytes(disk.totalBytes)} GiB free (${disk.folder})`;
}

function gibibytes(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
