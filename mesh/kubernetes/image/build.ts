import { execFile, execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../local/settings.ts';
import { isGiven, parseDockerfile, parseIgnored, type Stage } from './dockerfile.ts';

const run = promisify(execFile);
const RUN_LIMIT_MS = 10 * 60_000;

/** What a stage has become. */
export type Built = {
  /** Stands for `/`. */
  readonly root: string;
  readonly workdir: string;
  readonly user: string | undefined;
  readonly env: Readonly<Record<string, string>>;
};

/**
 * Does what the stages of the Dockerfile do, each in an empty folder, with this machine's Node and npm: nothing of the images that they start from is there.
 * @param others what is copied from images of others, by the path in them
 * @param buildArgs as `--build-arg` gives them
 */
export async function buildStages(
  folder: string,
  others: ReadonlyMap<string, string>,
  buildArgs: Readonly<Record<string, string>>,
): Promise<Map<string, Built>> {
  const [dockerfile, ignored] = await Promise.all(
    ['Dockerfile', '.dockerignore'].map((name) => readFile(join(repositoryRoot, name), 'utf8')),
  );
  const given = filesOfRepository().filter((path) => isGiven(path, parseIgnored(ignored ?? '')));
  const built = new Map<string, Built>();
  for (const stage of parseDockerfile(dockerfile ?? '')) {
    built.set(stage.name, await buildStage(stage, join(folder, stage.name), given, built, others, buildArgs));
  }
  return built;
}

/** What is committed, or will be. */
function filesOfRepository(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: repositoryRoot, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  return listed.split('\n').filter((path) => path !== '');
}

async function buildStage(
  stage: Stage,
  root: string,
  given: readonly string[],
  built: ReadonlyMap<string, Built>,
  others: ReadonlyMap<string, string>,
  buildArgs: Readonly<Record<string, string>>,
): Promise<Built> {
  const base = built.get(stage.from);
  await mkdir(dirname(root), { recursive: true });
  if (base === undefined) await mkdir(root);
  else await link(base.root, root);
  let { workdir = '/', user, env = {} } = base ?? {};
  /** Of this stage alone. */
  let known: Readonly<Record<string, string>> = {};
  for (const { instruction, text } of stage.steps) {
    if (instruction === 'WORKDIR') {
      workdir = text;
      await mkdir(join(root, workdir), { recursive: true });
    }
    if (instruction === 'USER') user = text;
    if (instruction === 'ARG') {
      const [name = '', value = ''] = text.split('=');
      known = { ...known, [name]: buildArgs[name] ?? value };
    }
    if (instruction === 'ENV') {
      const pairs = text.split(' ').map((pair) => pair.split('='));
      const filled = pairs.map(([name, value = '']) => [
        name,
        value.replaceAll(/\$(\w+)/g, (_, of) => known[of] ?? ''),
      ]);
      env = { ...env, ...Object.fromEntries(filled) };
    }
    if (instruction === 'COPY') await copy(text.split(' '), { root, workdir }, given, built, others);
    if (instruction === 'RUN') {
      const options = { cwd: join(root, workdir), timeout: RUN_LIMIT_MS, maxBuffer: 16 * 1024 * 1024 };
      // What npm has fetched already need not come again.
      await run('/bin/sh', ['-c', text], { ...options, env: { ...process.env, npm_config_prefer_offline: 'true' } });
    }
  }
  return { root, workdir, user, env };
}

async function copy(
  words: readonly string[],
  { root, workdir }: { root: string; workdir: string },
  given: readonly string[],
  built: ReadonlyMap<string, Built>,
  others: ReadonlyMap<string, string>,
): Promise<void> {
  const from = words[0]?.startsWith('--from=') ? words[0].slice('--from='.length) : undefined;
  const [sources, target] = [words.slice(from === undefined ? 0 : 1, -1), words.at(-1) ?? ''];
  const place = target.startsWith('/') ? join(root, target) : join(root, workdir, target);
  for (const source of sources) {
    if (from === undefined) {
      const files = given.filter((path) => path === source || path.startsWith(`${source}/`));
      if (files.length === 0) throw new Error(`COPY ${source}: the build is not given it`);
      for (const path of files) {
        const to = path === source ? join(place, path) : join(place, path.slice(source.length + 1));
        await mkdir(dirname(to), { recursive: true });
        await copyFile(join(repositoryRoot, path), to);
      }
      continue;
    }
    const stage = built.get(from);
    await mkdir(dirname(place), { recursive: true });
    if (stage !== undefined) {
      await link(join(stage.root, source), place);
      continue;
    }
    const other = others.get(source);
    if (other === undefined) throw new Error(`COPY --from=${from} ${source}: there is no such thing here`);
    await copyFile(other, place);
  }
}

/** The same files under another folder, beside what is there: as many as packages have, so not copied. Nothing changes one, only takes some away. */
async function link(from: string, to: string): Promise<void> {
  await run('cp', ['--archive', '--link', '--no-target-directory', from, to]);
}
