import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { writePrivately } from '../secrets.ts';
import type { OwnServers, Settings } from '../settings.ts';
import type { Heartbeat } from './liveness.ts';
import { isAlive, type ProcessIdentity } from './proc.ts';
import type { ProcessState } from './process.ts';

/** One thing that a start does, as shown by `up`. */
export type Step = {
  readonly name: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly ms: number;
  readonly note?: string | undefined;
};

export type ProcessRecord = {
  readonly name: string;
  readonly state: ProcessState;
  readonly identity?: ProcessIdentity | undefined;
  readonly restarts: number;
  /** When the state began, ISO 8601. */
  readonly since: string;
  readonly lastExit?: string | undefined;
  readonly stopSignal: NodeJS.Signals;
  readonly heartbeat?: Heartbeat | undefined;
};

export type Phase = 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

/** What a supervisor tells the other commands, in `<stateDir>/run/state.json` (private: URLs hold passwords). */
export type StackState = {
  readonly supervisor: ProcessIdentity;
  readonly phase: Phase;
  readonly portBase: number;
  readonly publicUrl: string;
  /** Processes of every service. */
  readonly replicas: number;
  /** The servers that are not ours; commands find them here, whatever their own environment says. */
  readonly own: OwnServers;
  /** What it was started with (settings.ts, runtimeVariables); undefined of one from before this was written down. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** Of the code that runs (version.ts); undefined when it is of several versions, or of one from before this was written down. */
  readonly version?: string | undefined;
  readonly startedAt: string;
  readonly steps: readonly Step[];
  /** In the order of their start. */
  readonly processes: readonly ProcessRecord[];
  readonly error?: { readonly message: string; readonly advice: readonly string[] } | undefined;
};

const identitySchema = z.object({ pid: z.number(), startedAt: z.string() });
const signalSchema = z.custom<NodeJS.Signals>((value) => typeof value === 'string' && value.startsWith('SIG'));

const stateSchema = z.object({
  supervisor: identitySchema,
  phase: z.enum(['starting', 'running', 'stopping', 'stopped', 'failed']),
  portBase: z.number(),
  publicUrl: z.string(),
  // A stack from before there were replicas.
  replicas: z.number().default(1),
  own: z.object({
    databaseUrl: z.string().optional(),
    redisUrl: z.string().optional(),
    natsUrl: z.string().optional(),
    limitsRedisUrl: z.string().optional(),
    smtpUrl: z.string().optional(),
  }),
  variables: z.record(z.string(), z.string()).optional(),
  version: z.string().optional(),
  startedAt: z.string(),
  steps: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['running', 'done', 'failed']),
      ms: z.number(),
      note: z.string().optional(),
    }),
  ),
  processes: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['starting', 'ready', 'backing-off', 'stopping', 'stopped']),
      identity: identitySchema.optional(),
      restarts: z.number(),
      since: z.string(),
      lastExit: z.string().optional(),
      stopSignal: signalSchema,
      heartbeat: z.object({ port: z.number(), question: z.string(), answer: z.string().optional() }).optional(),
    }),
  ),
  error: z.object({ message: z.string(), advice: z.array(z.string()) }).optional(),
}) satisfies z.ZodType<StackState>;

/** The state file is not what a supervisor writes; `down` and `up` do without it. */
export class DamagedStateError extends CliError {
  constructor(path: string, cause: unknown) {
    super(`${path} is damaged`, {
      advice: ['./oxo down first: it stops what runs without that file. Then ./oxo up, which writes it anew'],
      cause,
    });
  }
}

/**
 * The last state that was written, whether or not its supervisor is alive.
 * @throws DamagedStateError
 */
export function readState(stateDir: string): StackState | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(pathOf(stateDir), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError || error instanceof z.ZodError)
      throw new DamagedStateError(pathOf(stateDir), error);
    throw new CliError(`${pathOf(stateDir)} can't be read: ${messageOf(error)}`, {
      advice: ['Set OXO_STATE_DIR to a folder that you may read and write.'],
      cause: error,
    });
  }
}

/**
 * Synchronous, so that a process is on record before its supervisor does anything else:
 * after a kill -9 the next start finds all that is left.
 */
export function writeState(stateDir: string, state: StackState): void {
  const folder = join(stateDir, 'run');
  // Not the state folder itself: who has removed it is done with the stack.
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o755 });
  const path = pathOf(stateDir);
  writePrivately(path, `${JSON.stringify(state, null, 2)}\n`);
}

/** For a state that is damaged and whose supervisor is gone. */
export function discardState(stateDir: string): void {
  rmSync(pathOf(stateDir), { force: true });
}

/** The state of a supervisor that is alive. */
export function readLiveState(stateDir: string): StackState | undefined {
  const state = readState(stateDir);
  return state !== undefined && isAlive(state.supervisor) ? state : undefined;
}

/**
 * The settings that a stack runs with, where one runs or has died and left processes; else those of the environment. Whether it is observed says
 * the environment where it says anything, as that of `up` does.
 */
export function withRunningSettings(settings: Settings): Settings {
  const state = readState(settings.stateDir);
  if (state === undefined || (!isAlive(state.supervisor) && orphansOf(state).length === 0)) return settings;
  const { portBase, publicUrl, replicas, own, variables } = state;
  const given = settings.variables.OXO_OBSERVABILITY !== undefined;
  const observability = given ? settings.observability : variables?.OXO_OBSERVABILITY === 'on';
  return { ...settings, portBase, publicUrl, replicas, own, observability };
}

/** Processes that run although their supervisor does not. */
export function orphansOf(state: StackState): readonly ProcessRecord[] {
  if (isAlive(state.supervisor)) return [];
  return state.processes.filter((record) => record.identity !== undefined && isAlive(record.identity));
}

function pathOf(stateDir: string): string {
  return join(stateDir, 'run', 'state.json');
}
