import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../settings.ts';

/** What the processes of services and front door are made of, and what says how they are run. */
const sources = [
  'services/**/*.{ts,lua}',
  'mesh/kit/**/*.{ts,lua}',
  'gateway/**/*.{ts,lua,yaml}',
  'gen/**/*',
  'mesh/local/{parts,servers,stack,supervisor}/*.ts',
  'mesh/local/{ports,secrets,services,settings}.ts',
  'package-lock.json',
];

/**
 * Names the code of a checkout by its content, since a checkout need not have a history: 12 hexadecimal digits.
 * @param root of the checkout
 */
export function codeVersion(root: string = repositoryRoot): string {
  const found = globSync(sources, { cwd: root, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const path of paths.filter((name) => !name.endsWith('.test.ts')).sort()) {
    const content = readFileSync(path);
    hash.update(`${path.slice(root.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 12);
}

/** What git takes for it, however large the checkout; without an answer by then the release alone must do. */
const gitTimeoutMs = 5_000;

/**
 * What a service says that it runs (`oxo_build_info`): the release, and in a checkout with a history the commit, such as `0.1.0+2f08e907`, and
 * `-dirty` where files differ from it. Unlike `codeVersion` it is for people, and another one is no reason to replace anything.
 * @param root of the checkout
 */
export function releaseOf(root: string = repositoryRoot): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // A folder within somebody else's repository is no commit of that.
  if (!existsSync(join(root, '.git'))) return version;
  try {
    const args = ['describe', '--always', '--dirty', '--abbrev=8', '--exclude=*'];
    const commit = execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      // It only looks: nothing of the repository is locked or written meanwhile.
      env: { ...process.env, GIT_OPTIONAL_LOCKS: '0' },
      timeout: gitTimeoutMs,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return `${version}+${commit.trim()}`;
  } catch {
    // No git, no commit yet, or a folder that git does not trust.
    return version;
  }
}
