import { execFile, execFileSync } from 'node:child_process';
import { accessSync, chownSync, constants, lstatSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CliError } from '../cli/cli-error.ts';

const run = promisify(execFile);

/**
 * How to run a program that refuses root, and users without a name (Postgres).
 * - plain: as we are.
 * - namespace: ourselves outside, somebody else inside a user namespace; files stay ours.
 * - uid: really somebody else; its data folder must belong to it.
 */
export type Unprivileged =
  | { readonly kind: 'plain' }
  | { readonly kind: 'namespace' }
  | { readonly kind: 'uid'; readonly uid: number };

/** A number that has a name in every /etc/passwd (bin or daemon); it is nobody outside the namespace. */
const uidInNamespace = 1;

export async function chooseUnprivileged(): Promise<Unprivileged> {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && hasName()) return { kind: 'plain' };
  try {
    await run('unshare', [...namespaceArguments(), 'true']);
    return { kind: 'namespace' };
  } catch {
    return isRoot ? { kind: 'uid', uid: uidOfNobody() } : { kind: 'plain' };
  }
}

/** Containers may run as a user that is in no /etc/passwd. */
function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

/** The command line that runs a program in the chosen way. */
export function commandAs(
  way: Unprivileged,
  program: string,
  args: readonly string[],
): { command: string; args: string[]; uid?: number } {
  if (way.kind === 'namespace') return { command: 'unshare', args: [...namespaceArguments(), program, ...args] };
  if (way.kind === 'uid') return { command: program, args: [...args], uid: way.uid };
  return { command: program, args: [...args] };
}

/**
 * Gives folders to the user who will run the program; the way may be another one than last time.
 * @throws CliError when that user can't reach them
 */
export function handOver(way: Unprivileged, folders: readonly string[], program: string): void {
  if (process.getuid?.() !== 0) return;
  for (const folder of folders) chownTree(folder, way.kind === 'uid' ? way.uid : 0);
  if (way.kind !== 'uid') return;
  for (const path of [...folders, program]) requireReachable(path, way.uid);
}

function namespaceArguments(): string[] {
  return ['--user', `--map-user=${uidInNamespace}`, '--'];
}

function uidOfNobody(): number {
  try {
    return Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).trim());
  } catch {
    return 65_534;
  }
}

function chownTree(path: string, uid: number): void {
  const stat = lstatSync(path);
  if (stat.uid !== uid) chownSync(path, uid, uid);
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(path)) chownTree(join(path, name), uid);
}

/** Every folder above must let others through; asked by mode bits, as we are root ourselves. */
function requireReachable(path: string, uid: number): void {
  accessSync(path, constants.R_OK);
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const stat = lstatSync(folder);
    if (stat.uid === uid || (stat.mode & 0o001) !== 0) continue;
    throw new CliError(`Postgres refuses root, and its user (uid ${uid}) can't enter ${folder}`, {
      advice: [
        'Run ./oxo as an ordinary user,',
        'or set OXO_STATE_DIR and OXO_CACHE_DIR to folders that everybody may enter (/var/lib/oxo, /var/cache/oxo),',
        'or allow user namespaces (unshare --user).',
      ],
    });
  }
}
