import { readlinkSync } from 'node:fs';
import { z } from 'zod';
import type { StackPlan } from '../../../stack/plan.ts';
import { isOk } from '../../../stack/services.ts';
import { answers } from '../../../supervisor/liveness.ts';
import { isAlive, isStopped, memoryOf, type ProcessTree } from '../../../supervisor/proc.ts';
import type { ProcessRecord } from '../../../supervisor/state.ts';
import { type Sample, samplesOf } from './samples.ts';

/** Whatever is frozen, these questions end soon after. */
const answerTimeoutMs = 1_000;

export type ProcessStatus = {
  readonly name: string;
  /** ready, not ready, not answering, gone (nobody has seen it end), or what its supervisor says of it: starting, backing-off, stopping, stopped. */
  readonly state: string;
  /** Undefined of what does not run. */
  readonly pid: number | undefined;
  readonly restarts: number;
  /** When the supervisor's state of it began, ISO 8601. */
  readonly since: string;
  readonly lastExit: string | undefined;
  /** Proportional share of it and of its children. */
  readonly memoryBytes: number;
  /** Of a server the release of its program, of a service what it tells of itself, or the digest of its code; undefined when that can't be told. */
  readonly version: string | undefined;
  /** Of a service that is not ready: what it lacks, by the name of the check. */
  readonly failing: Readonly<Record<string, string>>;
  /** A signal has stopped it (SIGSTOP), or a debugger. */
  readonly frozen: boolean;
};

type Answered = Pick<ProcessStatus, 'state' | 'failing' | 'frozen'>;

/** What a process says when it is asked. */
export async function askProcess(plan: StackPlan, record: ProcessRecord): Promise<Answered> {
  const { name, identity } = record;
  if (isGone(record)) return { state: 'gone', failing: {}, frozen: false };
  // Before it is asked: while one waits for its answer, the supervisor may have put another one in its place.
  const frozen = identity !== undefined && isStopped(identity);
  if (record.state !== 'ready' || frozen) {
    return { state: frozen ? 'not answering' : record.state, failing: {}, frozen };
  }
  const [state, failing] = await Promise.all([stateNow(plan, record), readFailing(plan.urls.operations[name])]);
  return { state, failing, frozen };
}

/** Whether it has ended without its supervisor having seen it: that is dead or frozen itself, or sees it in a moment. */
export function isGone({ state, identity }: ProcessRecord): boolean {
  return (state === 'ready' || state === 'starting') && identity !== undefined && !isAlive(identity);
}

/** All that is known of a process, except the version of a service's code (`withVersions`). Takes a moment in which nothing else is done. */
export function describeProcess(
  record: ProcessRecord,
  { state, failing, frozen }: Answered,
  tree: ProcessTree,
): ProcessStatus {
  const { name, restarts, since, lastExit } = record;
  const identity = state === 'gone' ? undefined : record.identity;
  return {
    ...{ name, restarts, since, lastExit, state, failing },
    pid: identity?.pid,
    memoryBytes: identity === undefined ? 0 : memoryOf(identity.pid, tree),
    version: identity === undefined ? undefined : programVersion(identity.pid),
    frozen: frozen || (identity !== undefined && isStopped(identity)),
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

const readinessSchema = z.object({ failing: z.record(z.string(), z.string()) });

async function readFailing(operations: string | undefined): Promise<Record<string, string>> {
  if (operations === undefined) return {};
  try {
    const response = await fetch(`${operations}/readyz`, { signal: AbortSignal.timeout(answerTimeoutMs) });
    return readinessSchema.parse(await response.json()).failing;
  } catch {
    return {};
  }
}

/** The release of a server that was fetched or built, by the folder of its program: also what is frozen has one. */
function programVersion(pid: number): string | undefined {
  try {
    return versionOfPath(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    // It has just ended, or belongs to another user.
    return undefined;
  }
}

/** @param path of a program in the cache of parts: `…/parts/<name>-<version>-<digest>/…` */
export function versionOfPath(path: string): string | undefined {
  return /\/parts\/[a-z-]+?-(\d[^/]*)-[0-9a-f]{12}\//.exec(path)?.[1];
}

/** With what each service tells of itself, release and commit; of one that says nothing, the digest of the code that all were started with. */
export function withVersions(
  processes: readonly ProcessStatus[],
  samples: Readonly<Record<string, readonly Sample[]>>,
  operations: Readonly<Record<string, string>>,
  started: string | undefined,
): ProcessStatus[] {
  return processes.map((each) => {
    if (operations[each.name] === undefined) return each;
    const told = samplesOf(samples[each.name] ?? [], 'oxo_build_info')[0]?.labels.version;
    return { ...each, version: told ?? started };
  });
}
