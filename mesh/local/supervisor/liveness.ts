import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { loopback } from '../ports.ts';

/** A question that a process which is not frozen answers at once, whatever else is wrong with it. */
export type Heartbeat = {
  readonly port: number;
  /** What is sent, one byte a character; servers that speak first are asked nothing. */
  readonly question: string;
  /** What a good answer begins with; by default any answer will do. */
  readonly answer?: string | undefined;
};

/** When a process that runs counts as frozen: after so many questions in a row without an answer. */
export type Liveness = {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failures: number;
  /** The same for a process that a signal has stopped, as the kernel tells: no load explains that. Else as `failures`. */
  readonly stoppedFailures?: number;
};

/**
 * Who is stopped is replaced after four seconds, and who only says nothing after half a minute: it may be that the machine is out of
 * breath. Failures are counted and not time, as the whole machine may have slept.
 */
export const defaultLiveness: Liveness = { intervalMs: 1_000, timeoutMs: 1_000, failures: 15, stoppedFailures: 2 };

/** The heartbeat of a server that speaks HTTP; any status is an answer, unless one is asked for. */
export function httpHeartbeat(port: number, path: string, status?: number): Heartbeat {
  return {
    port,
    question: `GET ${path} HTTP/1.1\r\nhost: ${loopback}\r\nconnection: close\r\n\r\n`,
    ...(status === undefined ? {} : { answer: `HTTP/1.1 ${status} ` }),
  };
}

/** Whether the answer comes back within timeoutMs. The kernel accepts connections for a frozen process, but says nothing. */
export function answers({ port, question, answer = '' }: Heartbeat, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: loopback, port });
    const end = (answered: boolean): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(answered);
    };
    const late = setTimeout(() => end(false), timeoutMs);
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.once('data', (data) => end(data.toString('latin1').startsWith(answer)));
    if (question !== '') socket.write(question, 'latin1');
  });
}

/**
 * Asks again and again.
 * @param isWatched false ends it
 * @param isExcused true while silence does not count: a server that recovers may be long in starting
 * @param isStopped whether a signal has stopped it
 * @returns whether it was silent too often
 */
export async function untilSilent(
  heartbeat: Heartbeat,
  { intervalMs, timeoutMs, failures, stoppedFailures = failures }: Liveness,
  { isWatched, isExcused, isStopped }: Record<'isWatched' | 'isExcused' | 'isStopped', () => boolean>,
): Promise<boolean> {
  let failed = 0;
  while (failed < (failed >= stoppedFailures && isStopped() ? stoppedFailures : failures)) {
    await delay(intervalMs, undefined, { ref: false });
    if (!isWatched()) return false;
    failed = (await answers(heartbeat, timeoutMs)) || isExcused() ? 0 : failed + 1;
  }
  return isWatched();
}
