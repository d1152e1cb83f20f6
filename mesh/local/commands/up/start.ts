import type { ChildProcess } from 'node:child_process';
import { requireNoRestore } from '../../backup/mark.ts';
import { createPhases, type Progress } from '../../cli/terminal.ts';
import { isPending, rotateCredentials } from '../../credentials/rotation.ts';
import { handedOutAdvice, handedOutPorts, PORTS_OF_A_STACK } from '../../ports.ts';
import type { Settings } from '../../settings.ts';
import { greet } from '../../stack/greet.ts';
import type { KeptInWords } from '../../stack/kept-settings.ts';
import { planStack } from '../../stack/plan.ts';
import { isLeftServing, isObservedOtherwise, isOfAnotherVersion, upgrade } from '../../stack/upgrade.ts';
import { followStart, launchSupervisor, requireRecovered } from '../../supervisor/launch.ts';
import { readLiveState, readState, type StackState } from '../../supervisor/state.ts';
import { fetchParts } from './fetch-parts.ts';
import { requireSamePorts, requireSameReplicas, runningState } from './running.ts';

/** What was asked for; without a number of replicas, a stack that runs stays as it is. */
export type Wanted = {
  readonly serversOnly: boolean;
  readonly replicas: number | undefined;
  readonly about: KeptInWords;
};

/** What an interruption has to stop. */
export type Begun = {
  supervisor: ChildProcess | undefined;
  /** Whether what runs is brought to this version, and whether that goes on without us. */
  roll: 'none' | 'prepared' | 'begun';
  givenUp: Promise<void> | undefined;
};

/** Starts what does not run, brings what runs to this version, and proves that it works. */
export async function start(settings: Settings, wanted: Wanted, begun: Begun): Promise<void> {
  const startedAtMs = performance.now();
  const progress = createPhases();
  requireNoRestore(settings.stateDir);
  if (handedOutPorts([settings.portBase, settings.portBase + PORTS_OF_A_STACK - 1]).length > 0)
    console.error(
      `oxo: warning: ports from ${settings.portBase} on are given to outgoing connections too: ${handedOutAdvice}`,
    );
  const running = runningState(settings);
  const left = running === undefined && !wanted.serversOnly ? readState(settings.stateDir) : undefined;
  if (left !== undefined && isLeftServing(left, settings)) {
    tell(wanted.about);
    console.log('the supervisor has died; what it left running is taken over, and people go on');
    await roll(settings, left, begun, progress);
  } else if (running === undefined) {
    tell({ ...wanted.about, changed: [], ignored: [] });
    // What can't work is said here, before anything is fetched.
    planStack(settings);
    await fetchParts(settings, wanted.serversOnly, progress);
    begun.supervisor = launchSupervisor(settings, wanted.serversOnly);
    await followStart(settings, begun.supervisor, progress);
  } else {
    requireSamePorts(running, settings);
    requireSameReplicas(running, wanted.replicas);
    if (running.phase !== 'running') await followStart(settings, undefined, progress);
    else if (wanted.serversOnly || !(isOfAnotherVersion(running) || isObservedOtherwise(running, settings))) {
      console.log(`already running (supervisor ${running.supervisor.pid})`);
      const { changed, ignored } = wanted.about;
      tell({ kept: [], changed: [], ignored: [...changed.map(({ name }) => name), ...ignored] });
    }
  }
  // Also whom another up has started meanwhile.
  const settled = readLiveState(settings.stateDir);
  if (settled !== undefined && !wanted.serversOnly && isOfAnotherVersion(settled)) {
    tell(wanted.about);
    console.log(`services of another version run: each is replaced by this one${effectOf(settled)}`);
    await roll(settings, settled, begun, progress);
  } else if (settled !== undefined && !wanted.serversOnly && isObservedOtherwise(settled, settings)) {
    tell(wanted.about);
    const what = settings.observability ? 'observed' : 'not observed any more';
    console.log(`this stack is ${what}: each service is started again${effectOf(settled)}`);
    await roll(settings, settled, begun, progress);
  }
  if (running !== undefined) await requireRecovered(settings);
  if (!wanted.serversOnly) await finishCredentials(settings, progress);
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  const names = readLiveState(settings.stateDir)?.processes.map((record) => record.name) ?? [];
  if (!names.includes('envoy')) {
    console.log(`\nthe servers are ready (${seconds} s): ${names.join(', ')}. ./oxo status tells their URLs.`);
    return;
  }
  try {
    await greet(settings, progress, startedAtMs);
  } catch (error) {
    // A service that keeps dying is the reason, and says more than the request that failed.
    await requireRecovered(settings, 0);
    throw error;
  }
}

/** What those notice who use a stack while its processes are replaced one after the other. */
function effectOf({ replicas }: StackState): string {
  if (replicas > 1) return ', and people go on';
  return '. There is one of each: requests to it fail for seconds, until it is ready again (with --replicas 2 none would)';
}

/** What `./oxo credentials rotate` had begun. One that is going on is left alone. */
async function finishCredentials(settings: Settings, progress: Progress): Promise<void> {
  const serves = readLiveState(settings.stateDir)?.processes.some(({ name }) => name === 'envoy') ?? false;
  if (!serves || !isPending(settings)) return;
  console.log('services have new and former secrets: this is brought to an end');
  await rotateCredentials(settings, [], progress);
}

/** What becomes of settings of a stack that runs, or ran. */
function tell({ kept, changed, ignored }: KeptInWords): void {
  if (kept.length > 0) console.log(`kept of what ran, as nothing else is given: ${kept.join(', ')}`);
  for (const { name, before, now } of changed) console.log(`changes: ${name}: ${before} → ${now}`);
  if (ignored.length > 0) console.log(`not applied to what runs (./oxo down, then ./oxo up): ${ignored.join(', ')}`);
}

/** Brings what runs to this version, one process after the other. */
async function roll(settings: Settings, running: StackState, begun: Begun, progress: Progress): Promise<void> {
  begun.supervisor = undefined;
  begun.roll = 'prepared';
  await fetchParts(settings, false, progress);
  await upgrade(settings, running, progress, () => {
    begun.roll = 'begun';
  });
}
