import { execFile } from 'node:child_process';
import { readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../local/cli/cli-error.ts';
import { repositoryRoot } from '../../local/settings.ts';

const run = promisify(execFile);
/** What `./oxo generate --release` writes: the commit that changed it last is the last release. */
const recordedByRelease = ['proto/released.binpb', 'mesh/local/guards/released/migrations.json'];

/** A commit, or why there is none. */
export type Found = { readonly commit: string } | { readonly reason: string };

/**
 * The last release before this version, by the history of the checkout.
 * @param root of the checkout
 */
export async function findVersionBefore(root: string = repositoryRoot): Promise<Found> {
  try {
    // An archive that was unpacked inside some other repository has no history of its own.
    const top = await git(root, 'rev-parse', '--show-toplevel');
    if (realpathSync(top) !== realpathSync(root)) return { reason: 'this is no checkout: it has no history' };
    if ((await git(root, 'rev-parse', '--is-shallow-repository')) === 'true') {
      return { reason: 'the history of this checkout is cut off (git fetch --unshallow brings it)' };
    }
    const head = await git(root, 'rev-parse', 'HEAD');
    const commits = (await git(root, 'log', '--format=%H', '-2', '--', ...recordedByRelease)).split('\n');
    const commit = commits.find((candidate) => candidate !== '' && candidate !== head);
    return commit === undefined ? { reason: 'there was no release before this one' } : { commit };
  } catch (error) {
    const [first] = messageOf(error).trim().split('\n').slice(-1);
    return { reason: `git does not tell the history of this checkout: ${first}` };
  }
}

/** Unpacks a commit into a folder. Its packages are those of this checkout when they are the same; else its `./oxo` fetches them. */
export async function unpack(commit: string, folder: string, root: string = repositoryRoot): Promise<void> {
  const archive = join(folder, '..', `${commit}.tar`);
  await git(root, 'archive', '--output', archive, commit);
  await run('tar', ['-xf', archive, '-C', folder]);
  const lockOf = (checkout: string): string => readFileSync(join(checkout, 'package-lock.json'), 'utf8');
  if (lockOf(folder) === lockOf(root)) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}

async function git(root: string, ...args: string[]): Promise<string> {
  return (await run('git', ['-C', root, ...args])).stdout.trim();
}
