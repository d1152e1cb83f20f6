import { TimeLimitError, withTimeLimit } from '#kit/time-limit.ts';
import { messageOf } from '../cli/cli-error.ts';

export type Verdict = 'ok' | 'warn' | 'fail';

/** What was found about one thing. */
export type Finding = {
  readonly area: Area;
  readonly name: string;
  readonly verdict: Verdict;
  readonly message: string;
  /** What to do about it; there is always one unless it is ok. */
  readonly next?: string | undefined;
};

export type Area =
  | 'machine'
  | 'settings'
  | 'state folder'
  | 'processes'
  | 'Postgres'
  | 'Redis'
  | 'NATS'
  | 'limits'
  | 'observability';

/** One look at something; it may find several things, and is given up when it takes too long. */
export type Probe = {
  readonly area: Area;
  readonly name: string;
  readonly look: () => Promise<readonly Judgement[]> | readonly Judgement[];
  /** What to do when it can't be looked at. */
  readonly next: string;
};

export type Judgement = Omit<Finding, 'area' | 'name'> & { readonly name?: string };

/** All probes run at the same time, so the whole takes as long as the slowest may. */
const probeTimeoutMs = 2_500;

export function ok(message: string, name?: string): Judgement {
  return { verdict: 'ok', message, ...(name === undefined ? {} : { name }) };
}

export function warn(message: string, next: string, name?: string): Judgement {
  return { verdict: 'warn', message, next, ...(name === undefined ? {} : { name }) };
}

export function fail(message: string, next: string, name?: string): Judgement {
  return { verdict: 'fail', message, next, ...(name === undefined ? {} : { name }) };
}

/** By a measured value: from `warnFrom` on a warning, from `failFrom` on a failure. */
export function judge(value: number, limits: { warnFrom: number; failFrom: number }): Verdict {
  if (value >= limits.failFrom) return 'fail';
  return value >= limits.warnFrom ? 'warn' : 'ok';
}

/** Never rejects: what can't be looked at is a failure of its own. In the order of the probes. */
export async function examine(probes: readonly Probe[], timeoutMs: number = probeTimeoutMs): Promise<Finding[]> {
  const found = await Promise.all(
    probes.map(async ({ area, name, look, next }): Promise<Finding[]> => {
      try {
        const judgements = await withTimeLimit(
          Promise.resolve().then(look),
          timeoutMs,
          `no answer within ${timeoutMs / 1_000} s`,
        );
        return judgements.map((judgement) => ({ area, name, ...judgement }));
      } catch (error) {
        const message = error instanceof TimeLimitError ? error.message : `can't be asked: ${messageOf(error)}`;
        return [{ area, name, verdict: 'fail', message, next }];
      }
    }),
  );
  return found.flat();
}
