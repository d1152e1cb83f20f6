import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { logPathOf } from '../supervisor/group.ts';
import { lastLines } from '../supervisor/log-file.ts';
import type { StackPlan } from './plan.ts';

/** What a service needs may have been away for a moment. */
const servingTimeoutMs = 20_000;
/** A service gives each of its checks two seconds. */
const answerTimeoutMs = 3_000;
const pollMs = 100;

const readinessSchema = z.object({ state: z.string(), failing: z.record(z.string(), z.string()) });

/**
 * Waits until every process of every service says now that it can work: one that was ready once may have lost what it needs.
 * @throws CliError that names one which can't, why, and its log
 */
export async function requireServing(
  { urls, logDir }: { readonly urls: Pick<StackPlan['urls'], 'operations'>; readonly logDir: string },
  timeoutMs: number = servingTimeoutMs,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  await Promise.all(
    Object.entries(urls.operations).map(async ([name, operations]) => {
      for (;;) {
        const reason = await whyNotReady(operations);
        if (reason === undefined) return;
        if (performance.now() > deadline) throw notServing(name, reason, logPathOf(logDir, name));
        await delay(pollMs);
      }
    }),
  );
}

/** What a service says against its being ready; undefined when it is. */
export async function whyNotReady(operations: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${operations}/readyz`, { signal: AbortSignal.timeout(answerTimeoutMs) });
    const text = await response.text();
    if (response.status === 200) return undefined;
    const { state, failing } = readinessSchema.parse(JSON.parse(text));
    const reasons = Object.entries(failing).map(([check, message]) => `${check}: ${message}`);
    return reasons.length > 0 ? reasons.join('; ') : `it is ${state}`;
  } catch (error) {
    return `it says nothing (${messageOf(error)})`;
  }
}

function notServing(name: string, reason: string, log: string): CliError {
  return new CliError(`${name} runs and can't work: ${reason}`, {
    advice: [`The end of its log (${log}):`, ...lastLines(log, 5), './oxo doctor looks at all that it needs.'],
  });
}
