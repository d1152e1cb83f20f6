/** What `./oxo status --json` prints, and what the text is made of. Fields are added, never renamed or taken away. */
import { availableParallelism, loadavg } from 'node:os';
import { restoreProblem } from '../../backup/mark.ts';
import { isFull, readDisk } from '../../machine/disk.ts';
import type { Settings } from '../../settings.ts';
import type { StackUrls } from '../../stack/plan.ts';
import { ofService } from '../../stack/replicas.ts';
import { findProcesses } from '../../supervisor/orphans.ts';
import { isAlive } from '../../supervisor/proc.ts';
import { orphansOf, readState, type StackState } from '../../supervisor/state.ts';
import { judge, type Serving, servingOf } from './judge/judge.ts';
import type { Problem } from './judge/problem.ts';
import { supervisorDied } from './judge/supervision.ts';
import { readAll } from './read/read.ts';
import { isUnread, type Readings, type Unread } from './read/readings.ts';
import { samplesOf, sumOf } from './read/samples.ts';
import type { Scrape } from './read/scrape.ts';

/** Mails since the processes of auth started. */
export type MailsStatus = {
  /** Where they can be read; undefined when they go to a server of one's own. */
  readonly shownAt: string | undefined;
  /** Undefined, as the others, while no process of auth tells. */
  readonly sent: number | undefined;
  /** Tries that failed; a mail is tried again. */
  readonly failed: number | undefined;
  /** The server would not have them, or they were too late. */
  readonly givenUp: number | undefined;
};

export type Status = {
  /** Whether all runs and can work; the exit code. */
  readonly ready: boolean;
  /** Whether people are served, in one word; undefined when no service runs. */
  readonly serving: Serving | undefined;
  /** What is going on, in words. */
  readonly summary: string;
  /** Worst first. */
  readonly problems: readonly Problem[];
  readonly supervisor: { readonly pid: number; readonly since: string } | undefined;
  /** Digest of the code that runs; undefined when it is of several versions. */
  readonly version: string | undefined;
  readonly urls: StackUrls | undefined;
  readonly processes: Readings['processes'];
  /** An error text stands in place of what can't be asked. */
  readonly frontDoor: Readings['frontDoor'];
  readonly outboxes: Readings['outboxes'];
  readonly events: Readings['events'];
  readonly limits: Readings['limits'];
  readonly keys: Readings['keys'];
  readonly mails: MailsStatus | undefined;
  /** Where the state folder lies. */
  readonly disk: Readings['disk'];
  /** Work that waits for a processor, as a mean of the last minute: far more than there are makes everything late, status too. */
  readonly machine: { readonly load: number; readonly processors: number };
  readonly rates: Readings['rates'];
  readonly longRates: Readings['longRates'];
  readonly alerts: Readings['alerts'];
};

/** A look at a stack, and the counters from which the next one goes on. */
export type Look = { readonly status: Status; readonly scrape: Scrape | undefined };

/** @param before the counters of the look before */
export async function look(settings: Settings, before?: Scrape): Promise<Look> {
  const found = readDisk(settings.stateDir);
  const disk = { ...found, full: isFull(found) };
  const problem = restoreProblem(settings.stateDir);
  if (problem !== undefined) return nothing(`${problem.message}: ${problem.next}`, disk);
  const state = readState(settings.stateDir);
  const orphans = state === undefined ? [] : orphansOf(state);
  const supervised = state !== undefined && isAlive(state.supervisor);
  if (state === undefined || (!supervised && orphans.length === 0)) {
    return nothing(summaryOfNothing(settings, state), disk);
  }
  const { readings, scrape } = await readAll(settings, state, supervised, before);
  return { status: statusOf(readings, state), scrape };
}

function statusOf(readings: Readings, state: StackState): Status {
  const { processes, frontDoor, outboxes, events, limits, keys, disk, rates, longRates, alerts, urls, supervisor } =
    readings;
  const allReady = processes.every((entry) => entry.state === 'ready');
  const works = state.phase === 'running' && state.error === undefined && supervisor.state === 'running';
  const ready = works && allReady && !isUnread(outboxes) && !isUnread(events) && !disk.full;
  const problems = judge(readings);
  const hasServices = processes.some(({ name }) => urls.operations[name] !== undefined);
  return {
    ...{ ready, problems, processes, frontDoor, outboxes, events, limits, keys, disk, rates, longRates, alerts, urls },
    serving: hasServices ? servingOf(problems) : undefined,
    summary:
      supervisor.state === 'dead'
        ? `${supervisorDied(readings)}: ./oxo up`
        : summarise(state, ready, supervisor.state === 'frozen', disk),
    supervisor: supervisor.state === 'dead' ? undefined : { pid: supervisor.pid, since: state.startedAt },
    version: state.version,
    machine: machineNow(),
    mails: hasServices ? mailsOf(readings) : undefined,
  };
}

function mailsOf({ urls, samples }: Readings): MailsStatus {
  const told = ofService('auth', samples);
  const counts = samplesOf(told.flat(), 'oxo_auth_mails_total');
  const of = (...outcomes: string[]): number | undefined =>
    told.length === 0
      ? undefined
      : (sumOf(counts.filter(({ labels }) => outcomes.includes(labels.outcome ?? ''))) ?? 0);
  return { shownAt: urls.mails, sent: of('SENT'), failed: of('FAILED'), givenUp: of('REFUSED', 'EXPIRED') };
}

function machineNow(): Status['machine'] {
  return { load: loadavg()[0] ?? 0, processors: availableParallelism() };
}

function summaryOfNothing({ stateDir }: Settings, state: StackState | undefined): string {
  const failure = state?.phase === 'failed' ? `; the last start failed: ${state.error?.message}` : '';
  const lost = findProcesses(stateDir);
  if (lost.length > 0) return `${stateDir} has no state of what runs: ${lost.join(', ')}. ./oxo down stops them`;
  return state === undefined ? `nothing was started in ${stateDir} yet` : `everything is down${failure}`;
}

function nothing(summary: string, disk: Status['disk']): Look {
  const down: Unread = { error: 'down' };
  const none = undefined;
  const status: Status = {
    ...{ ready: false, summary, disk, machine: machineNow(), problems: [], processes: [] },
    ...{ serving: none, supervisor: none, version: none, urls: none, frontDoor: none, keys: none, mails: none },
    ...{ rates: none, longRates: none, alerts: none, outboxes: down, events: down, limits: down },
  };
  return { status, scrape: undefined };
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
