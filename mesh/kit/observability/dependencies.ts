import type { Gauge, Metrics } from '#kit/observability/metrics.ts';
import { sharedRuns } from '#kit/shared-runs.ts';
import { withTimeLimit } from '#kit/time-limit.ts';

/** Resolves when the dependency can be used; rejects with a message for the operator otherwise. */
export type ReadyCheck = () => Promise<void>;

/** What a process depends on, as /readyz and `oxo_dependency_up` see it. */
export interface Dependencies {
  add(name: string, check: ReadyCheck): void;
  /** Runs all checks side by side. @returns what those that failed have said, by name */
  failing(): Promise<Record<string, string>>;
}

/** Less than a scrape waits for a value: what gives no answer must be told as down, not left as it was. */
const SCRAPE_LIMIT_MS = 800;

/** @param timeoutMs after which a check counts as failed */
export function createDependencies(metrics: Metrics, timeoutMs: number): Dependencies {
  const checks = new Map<string, ReadyCheck>();
  const up = dependencyGauge(metrics);

  return {
    add(name, check) {
      const shared = sharing(check, timeoutMs);
      const gauge = up.labels(name);
      checks.set(name, shared);
      metrics.onCollect(async () => {
        try {
          await withTimeLimit(shared(), Math.min(timeoutMs, SCRAPE_LIMIT_MS), 'no answer in time');
          gauge.set(1);
        } catch {
          gauge.set(0);
        }
      });
    },
    async failing() {
      const failing: Record<string, string> = {};
      const run = async (name: string, check: ReadyCheck) => {
        try {
          await check();
        } catch (error) {
          failing[name] = error instanceof Error ? error.message : String(error);
        }
      };
      await Promise.all([...checks].map(([name, check]) => run(name, check)));
      return failing;
    },
  };
}

/** 1 for what can be used, 0 for what can not. */
export function dependencyGauge(metrics: Metrics): Gauge<'dependency'> {
  return metrics.gauge({
    name: 'oxo_dependency_up',
    help: 'Whether what this process depends on can be used: 1, or 0.',
    labelNames: ['dependency'],
  });
}

/** Whoever asks while the check runs shares its answer, so that a slow dependency is not asked more and more. */
function sharing(check: ReadyCheck, timeoutMs: number): ReadyCheck {
  return sharedRuns(async () => withTimeLimit(check(), timeoutMs, `no answer within ${timeoutMs} ms`));
}
