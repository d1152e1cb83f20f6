import { withTimeLimit } from '#kit/time-limit.ts';
import { restoreProblem } from '../backup/mark.ts';
import { messageOf } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { formatTable } from '../cli/terminal.ts';
import { type Disk, isFull, readDisk } from '../machine/disk.ts';
import { readSettings, type Settings } from '../settings.ts';
import { type EventsHealth, type OutboxHealth, readEvents, readOutboxes } from '../stack/health.ts';
import { describeLimits, type LimitsHealth, readLimitsHealth } from '../stack/limits-health.ts';
import { planStack, type StackPlan, type StackUrls } from '../stack/plan.ts';
import { isOk } from '../stack/services.ts';
import { answers } from '../supervisor/liveness.ts';
import { findProcesses } from '../supervisor/orphans.ts';
import { isAlive, isStopped, memoryOf, type ProcessTree, readProcessTree } from '../supervisor/proc.ts';
import { orphansOf, type ProcessRecord, readState, type StackState, withRunningSettings } from '../supervisor/state.ts';

export const command: Command = {
  usage: `usage: ./oxo status [--json]

Shows every process (state, pid, restarts, memory as its proportional share), how long events wait in each outbox, how far
behind the consumers are, how many events were given up, whether limits are counted and by all processes together, and how much disk is left. Exit code 0 only when all is ready. What is frozen is
"not answering"; the supervisor starts it again after four seconds when a signal stopped it, else after half a minute.

  --json  the same and all URLs for programs; holds passwords`,
  run,
};

/** Whatever is frozen, this command ends soon after. */
const answerTimeoutMs = 1_000;
const healthTimeoutMs = 1_500;

type ProcessStatus = {
  readonly name: string;
  readonly state: string;
  readonly pid: number | undefined;
  readonly restarts: number;
  readonly since: string;
  readonly lastExit: string | undefined;
  readonly memoryBytes: number;
};

type Status = {
  readonly ready: boolean;
  /** What is going on, in words. */
  readonly summary: string;
  readonly supervisor: { readonly pid: number; readonly since: string } | undefined;
  readonly urls: StackUrls | undefined;
  readonly processes: readonly ProcessStatus[];
  /** An error text stands in place of what can't be asked. */
  readonly outboxes: readonly OutboxHealth[] | { readonly error: string };
  readonly events: EventsHealth | { readonly error: string };
  readonly limits: LimitsHealth | { readonly error: string };
  /** Where the state folder lies. */
  readonly disk: Disk & { readonly full: boolean };
};

async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, { json: { type: 'boolean', default: false } });
  const status = await readStatus(withRunningSettings(readSettings(process.env)));
  console.log(values.json ? JSON.stringify(status, null, 2) : render(status));
  return status.ready ? 0 : 1;
}

async function readStatus(settings: Settings): Promise<Status> {
  const found = readDisk(settings.stateDir);
  const disk = { ...found, full: isFull(found) };
  const problem = restoreProblem(settings.stateDir);
  if (problem !== undefined) return statusOfNothing(`${problem.message}: ${problem.next}`, disk);
  const state = readState(settings.stateDir);
  const orphans = state === undefined ? [] : orphansOf(state);
  const supervised = state !== undefined && isAlive(state.supervisor);
  if (state === undefined || (!supervised && orphans.length === 0))
    return statusOfNothing(summaryOfNothing(settings, state), disk);

  const plan = planStack(settings);
  const tree = readProcessTree();
  const [processes, outboxes, events, limits] = await Promise.all([
    Promise.all((supervised ? state.processes : orphans).map((record) => readProcess(plan, record, tree))),
    health('Postgres', readOutboxes(plan.urls.databases, plan.services)),
    health('NATS', readEvents(plan.urls.nats)),
    health('Envoy', readLimitsHealth(plan, state)),
  ]);
  const allReady = processes.every((entry) => entry.state === 'ready');
  const frozen = supervised && isStopped(state.supervisor);
  const works = state.phase === 'running' && state.error === undefined && supervised && !frozen;
  const ready = works && allReady && !('error' in outboxes) && !('error' in events) && !disk.full;
  return {
    ...{ ready, processes, outboxes, events, limits, disk },
    summary: supervised
      ? summarise(state, ready, frozen, disk)
      : `the supervisor died and left ${orphans.length} processes: ./oxo up`,
    supervisor: supervised ? { pid: state.supervisor.pid, since: state.startedAt } : undefined,
    urls: plan.urls,
  };
}

function summaryOfNothing({ stateDir }: Settings, state: StackState | undefined): string {
  const failure = state?.phase === 'failed' ? `; the last start failed: ${state.error?.message}` : '';
  const lost = findProcesses(stateDir);
  if (lost.length > 0) return `${stateDir} has no state of what runs: ${lost.join(', ')}. ./oxo down stops them`;
  return state === undefined ? `nothing was started in ${stateDir} yet` : `everything is down${failure}`;
}

function statusOfNothing(summary: string, disk: Status['disk']): Status {
  const error = 'down';
  return {
    ...{ ready: false, summary, supervisor: undefined, urls: undefined },
    ...{ processes: [], outboxes: { error }, events: { error }, limits: { error }, disk },
  };
}

async function health<T>(server: string, reading: Promise<T>): Promise<T | { readonly error: string }> {
  const limited = withTimeLimit(reading, healthTimeoutMs, `${server} is not answering`);
  return limited.catch((error) => ({ error: messageOf(error) }));
}

/** In words, what is going on with a stack whose supervisor lives. */
export function summarise(
  state: Pick<StackState, 'phase' | 'supervisor' | 'publicUrl' | 'version' | 'error'>,
  ready: boolean,
  frozen: boolean,
  disk: Pick<Status['disk'], 'folder' | 'full'>,
): string {
  if (frozen) return `the supervisor is frozen: kill -CONT ${state.supervisor.pid}`;
  if (state.phase === 'starting' && state.version === undefined)
    return 'running, and being replaced by another version, process by process';
  if (state.phase !== 'running') return state.phase;
  if (disk.full) return `running, but its disk is full (df -h ${disk.folder}): writes are refused until there is room`;
  if (state.error !== undefined) return [`running, but ${state.error.message}`, ...state.error.advice].join('\n');
  return ready ? `ready on ${state.publicUrl}` : 'running, but not everything is ready';
}

async function readProcess(plan: StackPlan, record: ProcessRecord, tree: ProcessTree): Promise<ProcessStatus> {
  const { name, restarts, since, lastExit, identity } = record;
  return {
    ...{ name, restarts, since, lastExit },
    state: record.state === 'ready' ? await stateNow(plan, record) : record.state,
    pid: identity?.pid,
    memoryBytes: identity === undefined ? 0 : memoryOf(identity.pid, tree),
  };
}

/** A process may run and yet be frozen, or not able to work: it is asked now. */
export async function stateNow(plan: StackPlan, { name, heartbeat }: ProcessRecord): Promise<string> {
  const operations = plan.urls.operations[name];
  const [alive, ready] = await Promise.all([
    heartbeat === undefined || answers(heartbeat, answerTimeoutMs),
    operations === undefined || isOk(`${operations}/readyz`).catch(() => false),
  ]);
  if (!alive) return 'not answering';
  return ready ? 'ready' : 'not ready';
}

function render(status: Status): string {
  const { freeBytes, totalBytes, folder } = status.disk;
  const parts = [status.summary];
  if (status.processes.length > 0) parts.push(renderProcesses(status));
  if (!('error' in status.outboxes)) parts.push(renderOutboxes(status.outboxes));
  else if (status.processes.length > 0) parts.push(`outboxes can't be read: ${status.outboxes.error}`);
  if (!('error' in status.events)) parts.push(renderEvents(status.events));
  else if (status.processes.length > 0) parts.push(`streams can't be read: ${status.events.error}`);
  if (status.processes.length > 0) parts.push(renderLimits(status.limits));
  if (status.urls !== undefined) parts.push(renderMails(status.urls));
  if (status.processes.length > 0)
    parts.push(`disk: ${gibibytes(freeBytes)} of ${gibibytes(totalBytes)} GiB free (${folder})`);
  return parts.join('\n\n');
}

function renderProcesses({ processes }: Status): string {
  const total = processes.reduce((sum, entry) => sum + entry.memoryBytes, 0);
  return formatTable([
    ['process', 'state', 'pid', 'restarts', 'memory MiB', 'since', 'last exit'],
    ...processes.map((entry) => [
      entry.name,
      entry.state,
      String(entry.pid ?? '-'),
      String(entry.restarts),
      mebibytes(entry.memoryBytes),
      entry.since.slice(0, 19).replace('T', ' '),
      entry.lastExit ?? '',
    ]),
    ['all', '', '', '', mebibytes(total), '', ''],
  ]);
}

function renderOutboxes(outboxes: readonly OutboxHealth[]): string {
  if (outboxes.length === 0) return 'no outbox yet';
  return formatTable([
    ['outbox', 'waiting', 'oldest s'],
    ...outboxes.map((outbox) => [outbox.schema, String(outbox.waiting), outbox.oldestSeconds.toFixed(1)]),
  ]);
}

function renderEvents({ consumers, deadLetters }: EventsHealth): string {
  const dead = `dead letters: ${deadLetters}${deadLetters > 0 ? ' (./oxo dead-letters list)' : ''}`;
  if (consumers.length === 0) return `no consumers yet\n\n${dead}`;
  const rows = consumers.map((one) => [one.name, ...[one.pending, one.inFlight, one.redelivered].map(String)]);
  return `${formatTable([['consumer', 'lag', 'in flight', 'redelivered'], ...rows])}\n\n${dead}`;
}

function renderLimits(limits: Status['limits']): string {
  if ('error' in limits) return `limits can't be read: ${limits.error}`;
  return describeLimits(limits)
    .map((line) => `limits: ${line}`)
    .join('\n');
}

function renderMails({ mails }: StackUrls): string {
  return mails === undefined
    ? 'mails: given to your own server (MAIL_SMTP_URL)'
    : `mails: caught, to be read at ${mails}`;
}

function gibibytes(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
