import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { requireFolder } from '../machine/folder.ts';
import { withLock } from '../machine/lock.ts';
import { leftoverPrefix, removeLeftovers } from './fetch.ts';
import { isIntact, writeManifest } from './manifest.ts';

const run = promisify(execFile);
const timeoutMs = 15 * 60_000;
const maxOutputBytes = 16 * 1024 * 1024;

/**
 * A program that only the distribution has. It is not pinned: mirrors keep the newest version, and apt checks that it is the
 * distribution's own.
 */
export type AptPart = {
  /** Of the package, and of the program on the PATH. */
  readonly name: string;
  /** Path of the program inside the package. */
  readonly program: string;
  /** What `--version` says of the real one. */
  readonly version: RegExp;
};

/** Chromium, for tests of pages. */
export const chromium: AptPart = { name: 'chromium', program: 'usr/lib/chromium/chromium', version: /^Chromium \d+\./ };

/** How to run a program: its absolute path, and what the environment must have besides. */
export type AptProgram = { readonly program: string; readonly env: Readonly<Record<string, string>> };

/**
 * The program on the PATH, else the distribution's package, unpacked into the cache with all that it needs and the machine has not. Nothing of the
 * machine is changed, and nobody has to be root. Safe when several processes want it at the same time.
 * @param aptOptions more options for apt-get (tests fetch from a folder)
 * @throws CliError where there is no apt, or the package can't be had
 */
export async function ensureAptPart(
  cacheDir: string,
  part: AptPart,
  aptOptions: readonly string[] = [],
): Promise<AptProgram> {
  const own = onPath(part.name);
  if (own !== undefined && (await isReal(part, own))) return own;
  const folder = join(cacheDir, 'parts', `${part.name}-${distribution()}`);
  if (await isIntact(folder)) return programIn(folder, part);
  requireFolder(join(cacheDir, 'parts'), 'OXO_CACHE_DIR');
  await withLock(folder, timeoutMs, async () => {
    if (!(await isIntact(folder))) await install(folder, part, aptOptions);
  });
  const unpacked = programIn(folder, part);
  if (await isReal(part, unpacked)) return unpacked;
  throw new CliError(`${part.name} of the distribution does not run`, {
    advice: [`Install it: apt-get install ${part.name}`],
  });
}

function onPath(name: string): AptProgram | undefined {
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  const program = paths.find((path) => existsSync(path));
  return program === undefined ? undefined : { program, env: {} };
}

async function isReal(part: AptPart, { program, env }: AptProgram): Promise<boolean> {
  const options = { env: { ...process.env, ...env }, timeout: 30_000 };
  const said = await run(program, ['--version'], options).then(
    // Some say it to the one, some to the other.
    ({ stdout, stderr }) => `${stdout}${stderr}`,
    () => '',
  );
  return part.version.test(said);
}

/** A part appears in the cache by one rename, so what is there is whole. */
async function install(folder: string, part: AptPart, aptOptions: readonly string[]): Promise<void> {
  await removeLeftovers(folder);
  const work = await mkdtemp(leftoverPrefix(folder));
  try {
    const packages = await download(work, part, aptOptions);
    const target = join(work, 'unpacked');
    await mkdir(target);
    for (const path of packages) await run('dpkg-deb', ['--extract', path, target]);
    await writeManifest(target);
    if (existsSync(folder)) await rename(folder, join(work, 'damaged'));
    await rename(target, folder);
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new CliError(`${part.name} could not be fetched from the distribution`, {
      advice: [
        stderr.trim().split('\n').slice(-4).join('\n') || messageOf(error),
        `Install it: apt-get install ${part.name}`,
      ],
      cause: error,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** With lists and a cache of our own; of the machine's it reads where packages come from, whose they must be, and what is installed. */
async function download(work: string, part: AptPart, aptOptions: readonly string[]): Promise<string[]> {
  const archives = join(work, 'cache/archives');
  for (const path of [join(work, 'state/lists/partial'), join(archives, 'partial')])
    await mkdir(path, { recursive: true });
  const settings = {
    'Dir::State': join(work, 'state'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(work, 'cache'),
    'Dir::Log': work,
    'Debug::NoLocking': 'true',
    'APT::Sandbox::User': '',
  };
  const options = [...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]), ...aptOptions];
  const apt = (...args: string[]) =>
    run('apt-get', ['--quiet', '--yes', ...options, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      timeout: timeoutMs,
      maxBuffer: maxOutputBytes,
    });
  await apt('update');
  await apt('--no-install-recommends', '--download-only', 'install', part.name);
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  return names.map((name) => join(archives, name));
}

/** Libraries that came with it are found before those of the machine, and so are fonts, if it had none. */
function programIn(folder: string, part: AptPart): AptProgram {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const libraries = [`usr/lib/${triplet}`, `lib/${triplet}`, `usr/lib/${triplet}/pulseaudio`];
  const hasFonts = existsSync(join(folder, 'etc/fonts/fonts.conf'));
  return {
    program: join(folder, part.program),
    env: {
      LD_LIBRARY_PATH: libraries.map((path) => join(folder, path)).join(delimiter),
      ...(hasFonts ? { FONTCONFIG_SYSROOT: folder } : {}),
    },
  };
}

/** "debian12": what was unpacked for one has the libraries of that one. */
function distribution(): string {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const field = (name: string) => new RegExp(`^${name}="?([\\w.]+)"?$`, 'm').exec(text)?.[1] ?? '';
  return `${field('ID') || 'linux'}${field('VERSION_ID')}`;
}
