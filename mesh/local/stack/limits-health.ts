import { withTimeLimit } from '#kit/time-limit.ts';
import { messageOf } from '../cli/cli-error.ts';
import { redisAnswers } from '../servers/redis.ts';
import type { StackState } from '../supervisor/state.ts';
import type { StackUrls } from './plan.ts';
import { serviceOf } from './replicas.ts';

const timeoutMs = 1_000;

/** How writes and attempts are limited, beside the limits that Envoy keeps alone. */
export type LimitsHealth = {
  /** Why there is no rate limit service; undefined where there is one. */
  readonly off: string | undefined;
  /** Writes that passed since Envoy started although there is one, because it gave no answer. */
  readonly passed: number;
  /** Attempts (passwords, registrations, …) that a process of auth has counted alone since it started. */
  readonly alone: number;
  /** Why the Redis in which both are counted gives no answer now; undefined when it does. */
  readonly redisAway: string | undefined;
};

/** What is not limited as it should be while that Redis is away. */
export const withoutLimitsRedis =
  'each process of auth counts attempts alone, codes of authenticator apps are refused, and writes pass uncounted';

/** Rejects when Envoy is away. */
export async function readLimitsHealth(
  { urls }: { readonly urls: Pick<StackUrls, 'envoyAdmin' | 'operations' | 'limitsRedis'> },
  { processes, steps }: Pick<StackState, 'processes' | 'steps'>,
): Promise<LimitsHealth> {
  const names = processes.map(({ name }) => name);
  const auths = names.filter((name) => serviceOf(name) === 'auth');
  const isLimited = names.includes('ratelimit');
  const [passed, redisAway, ...alone] = await Promise.all([
    isLimited ? readPassed(urls.envoyAdmin) : 0,
    readRedis(urls.limitsRedis),
    ...auths.map((name) => readAlone(urls.operations[name])),
  ]);
  const off = isLimited
    ? undefined
    : (steps.find(({ name }) => name === 'ratelimit')?.note ?? 'there is no front door');
  return { off, passed, alone: sum(alone), redisAway };
}

async function readPassed(envoyAdmin: string): Promise<number> {
  return sumOf(
    await textOf(`${envoyAdmin}/stats?filter=ratelimit.failure_mode_allowed`),
    /failure_mode_allowed: (\d+)$/gm,
  );
}

/** Of a process that is away nothing is known; that it is, is told elsewhere. */
async function readAlone(operations: string | undefined): Promise<number> {
  const metrics = await textOf(`${operations}/metrics`).catch(() => '');
  return sumOf(metrics, /^oxo_auth_attempts_unchecked_total\{[^}]*\} (\d+)$/gm);
}

function readRedis(url: string): Promise<string | undefined> {
  return withTimeLimit(redisAnswers(url), timeoutMs, 'it does not answer').then(() => undefined, messageOf);
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })).text();
}

function sumOf(text: string, pattern: RegExp): number {
  return sum([...text.matchAll(pattern)].map(([, count]) => Number(count)));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** In words, one line for each thing that there is to say. */
export function describeLimits({ off, passed, alone, redisAway }: LimitsHealth): string[] {
  const found = [
    ...(redisAway === undefined ? [] : [`their Redis is away (${redisAway}): ${withoutLimitsRedis}`]),
    ...(off === undefined ? [] : [off]),
    ...(passed === 0
      ? []
      : [`${passed} writes passed uncounted since Envoy started: the rate limit service gave no answer`]),
    ...(alone === 0
      ? []
      : [`${alone} attempts were counted by one process of auth alone since it started: Redis was away, or refused`]),
  ];
  return found.length > 0 ? found : ['all are counted'];
}
