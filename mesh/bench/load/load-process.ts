import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CliError } from '../../local/cli/cli-error.ts';
import type { LoadJob, LoadResult } from './closed-loop.ts';

/** A process of its own that makes load. */
export type LoadProcess = {
  /** @throws CliError when a request failed: figures of a system that fails mean nothing */
  readonly run: (job: LoadJob) => Promise<LoadResult>;
  readonly stop: () => void;
};

type Reply = { readonly number: number; readonly result?: LoadResult; readonly error?: string };

export function startLoadProcess(): LoadProcess {
  // Thousands of requests go over at once, with their tokens: not by the argument list, and not as JSON.
  const child = fork(join(import.meta.dirname, 'load-main.ts'), [], { serialization: 'advanced' });
  const ended = once(child, 'exit').then((): Reply => ({ number: 0, error: 'the load process ended' }));
  const waiting = new Map<number, (reply: Reply) => void>();
  let jobs = 0;
  child.on('message', (reply: Reply) => {
    waiting.get(reply.number)?.(reply);
    waiting.delete(reply.number);
  });
  return {
    run: async (job) => {
      jobs += 1;
      const number = jobs;
      const replied = new Promise<Reply>((resolve) => waiting.set(number, resolve));
      child.send({ number, job });
      const { result, error } = await Promise.race([replied, ended]);
      if (result === undefined) throw new CliError(`the load could not be made: ${error}`);
      if (result.failed === 0) return result;
      throw new CliError(`${result.failed} of ${result.failed + result.requests} requests failed`, {
        advice: [`The first one: ${result.firstFailure}`, './oxo logs shows what the services say.'],
      });
    },
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
}
