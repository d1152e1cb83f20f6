/** Stacks that a part of the bench starts for itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../../local/cli/cli-error.ts';
import { eventsAreThrough } from '../../local/demo/settle.ts';
import type { Stack } from '../../local/stack/stack.ts';
import type { ServerProcess } from './cpu.ts';

const pollMs = 100;
const limitMs = 120_000;

/** Its processes. @throws CliError when one of them does not run */
export function serversOf(stack: Stack): ServerProcess[] {
  return stack.processes().map(({ name, identity }) => {
    if (identity === undefined) throw new CliError(`${name} does not run`);
    return { name, pid: identity.pid };
  });
}

/** Resolves when every event has been handled. @throws CliError when some still wait after two minutes */
export async function untilThrough({ urls }: Stack, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await eventsAreThrough(urls))) {
    if (performance.now() > deadlineMs) throw new CliError(`events still wait after ${limitMs / 1_000} s`);
    await delay(pollMs, undefined, { signal });
  }
}
