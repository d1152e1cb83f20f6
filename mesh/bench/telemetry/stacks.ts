import { CliError } from '../../local/cli/cli-error.ts';
import type { Progress } from '../../local/cli/progress.ts';
import { observerNames } from '../../local/observability/programs.ts';
import { findFreePortBase, loopback } from '../../local/ports.ts';
import { ownCollector } from '../../local/settings.ts';
import { type Stack, startStack } from '../../local/stack/stack.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { type Crowd, gatherCrowd } from '../crowd.ts';
import type { Target } from '../load/raw-connection.ts';
import type { ServerProcess } from '../servers/cpu.ts';
import { serversOf } from '../servers/own-stack.ts';

/** A stack of this run, with people on it. */
export type Side = {
  readonly stack: Stack;
  readonly crowd: Crowd;
  readonly target: Target;
  /** Processes that serve people. */
  readonly serving: readonly ServerProcess[];
  /** Those that look on. */
  readonly watching: readonly ServerProcess[];
};

/** What `./oxo up --observability` starts besides. */
const watchers: ReadonlySet<string> = new Set(['telemetry', ...observerNames]);

type Wanted = {
  readonly observed: boolean;
  /** So many of a hundred requests are traced, where it is observed. */
  readonly tracedPercent: number;
  readonly viewers: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
};

/** Whoever calls stops the stack. @throws CliError when it does not start, or is not looked at though it is to be */
export async function startSide({ observed, tracedPercent, viewers, progress, signal }: Wanted): Promise<Side> {
  const portBase = await findFreePortBase();
  const telemetry = observed
    ? { observability: true, tracing: { otlpEndpoint: ownCollector(portBase), samplingPercent: tracedPercent } }
    : {};
  const stack = await startStack({ stateDir: temporaryFolder(), portBase, ...telemetry }, signal);
  try {
    const processes = serversOf(stack);
    const watching = processes.filter(({ name }) => watchers.has(name));
    if (watching.length !== (observed ? watchers.size : 0)) {
      const there = watching.map(({ name }) => name).join(', ');
      throw new CliError(`of what looks on there is only: ${there}`, {
        advice: ['./oxo doctor says what is missing.'],
      });
    }
    const crowd = await gatherCrowd(stack.urls.frontDoor, viewers, progress, signal);
    const target = { host: loopback, port: portBase };
    return { stack, crowd, target, watching, serving: processes.filter(({ name }) => !watchers.has(name)) };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
