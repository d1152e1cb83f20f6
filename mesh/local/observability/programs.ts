/** The programs that look at a stack: Debian's own packages, unpacked into the cache. */
import { messageOf } from '../cli/cli-error.ts';
import { type AptPart, type AptProgram, ensureAptPart } from '../parts/apt.ts';

const exporter = (name: string, version: RegExp): AptPart => ({ name, program: `usr/bin/${name}`, version });

/** By the name of the process. */
const observers = {
  prometheus: { name: 'prometheus', program: 'usr/bin/prometheus', version: /^prometheus, version 2\.\d+/ },
  'postgres-exporter': exporter('prometheus-postgres-exporter', /^postgres_exporter, version \d/m),
  'redis-exporter': exporter('prometheus-redis-exporter', /Redis Metrics Exporter \d/),
  'node-exporter': exporter('prometheus-node-exporter', /^node_exporter, version \d/m),
} as const satisfies Readonly<Record<string, AptPart>>;

export type ObserverName = keyof typeof observers;
export const observerNames = Object.keys(observers) as ObserverName[];

/** @throws CliError when the distribution has it not */
function ensureObserver(cacheDir: string, name: ObserverName): Promise<AptProgram> {
  return ensureAptPart(cacheDir, observers[name]);
}

/** Each program, or in words why there is none. */
export async function ensureObservers(
  cacheDir: string,
  names: readonly ObserverName[] = observerNames,
): Promise<Readonly<Partial<Record<ObserverName, AptProgram | string>>>> {
  const found = await Promise.all(
    names.map(async (name) => [name, await ensureObserver(cacheDir, name).catch(messageOf)] as const),
  );
  return Object.fromEntries(found);
}
