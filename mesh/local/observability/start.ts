import { messageOf } from '../cli/cli-error.ts';
import { findBuilt, ratelimit } from '../parts/built.ts';
import { ownLimitsRedis, type StackPlan } from '../stack/plan.ts';
import type { ProcessGroup } from '../supervisor/group.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import type { Recorder } from '../supervisor/recorder.ts';
import { observerSpec, telemetrySpec } from './observers.ts';
import { ensureObservers, type ObserverName, observerNames } from './programs.ts';
import { targetsOf } from './targets.ts';

/** Who looks at a stack: how each is run, or in words why it can't be. */
export type Observers = readonly {
  readonly name: string;
  readonly spec: ProcessSpec | undefined;
  readonly reason?: string;
}[];

/** What takes the traces first, then the exporters, then Prometheus; none where a stack is not observed. */
export async function observersOf(plan: StackPlan): Promise<Observers> {
  if (!plan.observability) return [];
  const wanted = observerNames.filter((name) => looksAtOurs(plan, name));
  const [programs, limiter] = await Promise.all([
    ensureObservers(plan.cacheDir, wanted),
    findBuilt(plan.cacheDir, ratelimit),
  ]);
  const present = wanted.filter((name) => typeof programs[name] === 'object');
  const targets = targetsOf(plan, present, limiter.program !== undefined);
  const observers = wanted.toReversed().map((name) => {
    const program = programs[name];
    return typeof program === 'object'
      ? { name, spec: observerSpec(plan, name, program, targets) }
      : { name, spec: undefined, reason: program ?? 'it was not looked for' };
  });
  return [{ name: 'telemetry', spec: telemetrySpec(plan) }, ...observers];
}

/** Servers of one's own are looked at by whoever runs them. */
function looksAtOurs({ own }: StackPlan, name: ObserverName): boolean {
  if (name === 'postgres-exporter') return own.databaseUrl === undefined;
  if (name === 'redis-exporter') return own.redisUrl === undefined || ownLimitsRedis(own) === undefined;
  return true;
}

/**
 * Starts them, each by itself: a stack goes on without any of them, and the step says why it does.
 * @param replaces true: those that run are started anew
 * @param only names; all when absent
 */
export async function startObservers(
  plan: StackPlan,
  { recorder, group, tier }: { readonly recorder: Recorder; readonly group: ProcessGroup; readonly tier: number },
  replaces = false,
  only?: readonly string[],
): Promise<void> {
  const observers = (await observersOf(plan)).filter(({ name }) => only?.includes(name) ?? true);
  const start = ({ name, spec, reason }: Observers[number]): Promise<unknown> =>
    recorder.step(name, async () => {
      if (group.get(name) !== undefined) await group.leave(name);
      if (spec === undefined) return `off: ${reason}`;
      try {
        await group.start(spec, tier);
        return undefined;
      } catch (error) {
        await group.leave(name);
        return `off, it does not start: ${messageOf(error)}; ./oxo logs ${name}`;
      }
    });
  await Promise.all(observers.filter(({ name }) => replaces || group.get(name) === undefined).map(start));
}
