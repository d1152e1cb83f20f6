/**
 * Child processes of tests: servers and our own services.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '#kit/testing/until.ts';

export interface TestProcess {
  readonly pid: number;
  /** What it has written so far, stdout and stderr together; the last 200,000 characters. */
  output(): string;
  /** Sends the signal and waits for the end. @returns the exit code, null when the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves with the exit code when it ends by itself. */
  readonly exited: Promise<number | null>;
}

export interface ProcessOptions {
  command: string;
  args?: readonly string[];
  /** The whole environment; nothing is inherited but PATH. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

const OUTPUT_LIMIT = 200_000;
const STOP_LIMIT_MS = 15_000;
/** Generous: a service that starts while all tests run may wait long for its turn. */
const READY_LIMIT_MS = 60_000;

/** Starts a process. It is killed when the test's process ends, so that nothing is left behind. */
export function startProcess(options: ProcessOptions): TestProcess {
  const child = spawn(options.command, [...(options.args ?? [])], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid === undefined) throw new Error(`cannot start ${options.command}`);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_LIMIT);
    });
  }
  const killAtExit = (): boolean => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const exited = once(child, 'close').then(([code]) => {
    process.off('exit', killAtExit);
    return code as number | null;
  });
  return {
    pid: child.pid,
    output: () => output,
    exited,
    stop: (signal = 'SIGTERM') => stopChild(child, exited, signal),
  };
}

async function stopChild(
  child: ChildProcess,
  exited: Promise<number | null>,
  signal: NodeJS.Signals,
): Promise<number | null> {
  child.kill(signal);
  const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  try {
    return await exited;
  } finally {
    clearTimeout(limit);
  }
}

/** Starts a Node process with this Node, and waits until the URL answers 200. */
export async function startNode(options: {
  /** Script and what follows it, or flags before it. */
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  readyUrl?: string;
  timeoutMs?: number;
}): Promise<TestProcess> {
  const child = startProcess({ command: process.execPath, args: options.args, env: options.env });
  const { readyUrl } = options;
  if (readyUrl === undefined) return child;
  let ended = false;
  void child.exited.then(() => {
    ended = true;
  });
  try {
    await until(
      `${readyUrl} answers 200`,
      async () => ended || (await fetch(readyUrl)).ok,
      options.timeoutMs ?? READY_LIMIT_MS,
    );
    if (ended) throw new Error('it ended');
  } catch (error) {
    await child.stop('SIGKILL');
    throw new Error(`${options.args.join(' ')} did not become ready:\n${child.output()}`, { cause: error });
  }
  return child;
}
