import type { Metrics } from '#kit/observability/metrics.ts';

const LINE = /^oxo_auth_sign_ins_total\{method="(\w+)",outcome="(\w+)"\} (\d+)$/gm;

/** What is counted of sign-ins while the work is done: those of them that are more, as `totp ok`. */
export async function signInsDuring(metrics: Metrics, work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await counts(metrics);
  await work();
  const entries = Object.entries(await counts(metrics));
  return Object.fromEntries(
    entries.map(([name, count]) => [name, count - (before[name] ?? 0)] as const).filter(([, more]) => more > 0),
  );
}

async function counts(metrics: Metrics): Promise<Record<string, number>> {
  const lines = (await metrics.render()).matchAll(LINE);
  return Object.fromEntries([...lines].map(([, method, outcome, count]) => [`${method} ${outcome}`, Number(count)]));
}
