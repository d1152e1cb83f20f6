import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../../local/cli/cli-error.ts';

/** A CPU profile as V8 tells it; Chrome's developer tools and others open it as a .cpuprofile file. */
export type CpuProfile = {
  readonly nodes: readonly ProfileNode[];
  /** In microseconds. */
  readonly startTime: number;
  readonly endTime: number;
  /** The node of each sample, and the time since the sample before, in microseconds. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

export type ProfileNode = {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
};

/** Where Node listens when it is asked by SIGUSR1: one process of a machine at a time. */
const defaultPort = 9229;
const attachLimitMs = 5_000;
const answerLimitMs = 20_000;
const pollMs = 50;
const samplingIntervalMicroseconds = 500;

/**
 * Profiles a Node process that runs, while a piece of work is done.
 * @param port of its inspector, where it was started with another one
 * @throws CliError when the process cannot be asked, for instance because somebody debugs another one
 */
export async function profileProcess(
  pid: number,
  work: () => Promise<unknown>,
  port: number = defaultPort,
): Promise<CpuProfile> {
  const address = `127.0.0.1:${port}`;
  process.kill(pid, 'SIGUSR1');
  const session = await openSession(await findUrl(pid, address));
  try {
    const answer = await session.ask('Runtime.evaluate', { expression: 'process.pid' });
    const { result } = answer as { readonly result?: { readonly value?: unknown } };
    if (result?.value !== pid) throw new CliError(`another process than ${pid} is debugged on ${address}`);
    await session.ask('Profiler.enable');
    await session.ask('Profiler.setSamplingInterval', { interval: samplingIntervalMicroseconds });
    await session.ask('Profiler.start');
    await work();
    const { profile } = (await session.ask('Profiler.stop')) as { readonly profile: CpuProfile };
    return profile;
  } finally {
    // Whoever can reach the port could run code in the process, and the next process needs it too.
    const closing = 'setTimeout(() => process._debugEnd(), 50).unref()';
    await session.ask('Runtime.evaluate', { expression: closing }).catch(() => undefined);
    session.close();
    await untilClosed(address);
  }
}

async function findUrl(pid: number, address: string): Promise<string> {
  const deadlineMs = performance.now() + attachLimitMs;
  while (performance.now() < deadlineMs) {
    const [target] = await listTargets(address);
    if (target !== undefined) return target.webSocketDebuggerUrl;
    await delay(pollMs);
  }
  throw new CliError(`process ${pid} does not open its inspector on ${address}`);
}

async function untilClosed(address: string): Promise<void> {
  const deadlineMs = performance.now() + attachLimitMs;
  while ((await listTargets(address)).length > 0) {
    if (performance.now() > deadlineMs) throw new CliError(`the inspector on ${address} does not close`);
    await delay(pollMs);
  }
}

async function listTargets(address: string): Promise<readonly { readonly webSocketDebuggerUrl: string }[]> {
  try {
    const response = await fetch(`http://${address}/json/list`, { signal: AbortSignal.timeout(1_000) });
    return (await response.json()) as { webSocketDebuggerUrl: string }[];
  } catch {
    return [];
  }
}

type Session = {
  readonly ask: (method: string, params?: object) => Promise<unknown>;
  readonly close: () => void;
};

/** Of the developer tools' protocol: questions with numbers, answers with the same. */
async function openSession(url: string): Promise<Session> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, (answer: unknown) => void>();
  let asked = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new CliError(`no session at ${url}`)), { once: true });
  });
  return {
    ask: (method, params = {}) => {
      asked += 1;
      const id = asked;
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new CliError(`${method} was not answered`)), answerLimitMs);
        waiting.set(id, (answer) => {
          clearTimeout(late);
          waiting.delete(id);
          resolve(answer);
        });
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
    close: () => socket.close(),
  };
}
