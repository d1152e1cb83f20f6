/** What a restore puts in place of, and the mark by which every command knows of a restore that did not end. */
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '#kit/clock.ts';
import { CliError } from '../cli/cli-error.ts';
import { requireFolder, syncPath } from '../machine/folder.ts';
import { lockStack } from '../machine/lock.ts';
import { writePrivately } from '../secrets.ts';
import { stopOrphans } from '../supervisor/orphans.ts';
import { identify, isAlive } from '../supervisor/proc.ts';

/** What of a state folder is replaced; logs stay. */
const replaced = ['data', 'secrets.json'] as const;

const markSchema = z.object({
  /** Who restores. */
  process: z.object({ pid: z.number(), startedAt: z.string() }),
  /** The folder to which what was there is moved. */
  aside: z.string(),
  /** What was there before anything was moved. */
  present: z.array(z.enum(replaced)),
});

export type Mark = z.infer<typeof markSchema>;

/** What of a state folder a restore would replace. */
export function presentIn(stateDir: string): (typeof replaced)[number][] {
  return replaced.filter((name) => existsSync(join(stateDir, name)));
}

/** What is to be said of a restore that goes on or did not end, and what to do; undefined where there is none. */
export function restoreProblem(stateDir: string): { message: string; next: string } | undefined {
  const mark = readMark(stateDir);
  if (mark === undefined) return undefined;
  if (mark !== 'damaged' && isAlive(mark.process)) {
    return { message: `a restore is under way (process ${mark.process.pid})`, next: 'wait until it has ended' };
  }
  const where = mark === 'damaged' ? `in ${stateDir}/before-restore-…` : `in ${mark.aside}`;
  return {
    message: `a restore was killed before it ended; what was there before is kept ${where}`,
    next: './oxo restore --undo puts it back; then restore again, or ./oxo up',
  };
}

/** @throws CliError while a restore goes on, or when one did not end */
export function requireNoRestore(stateDir: string): void {
  const problem = restoreProblem(stateDir);
  if (problem !== undefined) throw new CliError(problem.message, { advice: [problem.next] });
}

/** Moves what is there aside, where it is kept. The mark stands before anything moves, until `endRestore` or `moveBack`. */
export async function moveAside(stateDir: string): Promise<Mark> {
  const self = identify(process.pid);
  if (self === undefined) throw new Error('this process is not in /proc');
  const present = presentIn(stateDir);
  const stamp = new Date(systemClock.nowMs()).toISOString().replaceAll(/[:.]/g, '-');
  const mark: Mark = { process: self, aside: join(stateDir, `before-restore-${stamp}`), present };
  writePrivately(pathOf(stateDir), `${JSON.stringify(mark, null, 2)}\n`);
  if (present.length > 0) requireFolder(mark.aside, 'OXO_STATE_DIR');
  for (const name of present) await rename(join(stateDir, name), join(mark.aside, name));
  if (present.length > 0) syncPath(mark.aside);
  syncPath(stateDir);
  return mark;
}

/**
 * Puts back what was moved aside, wherever the moving to or fro was when it ended. Nothing may run there.
 * What is not in `aside` although it was there has not been moved yet, or is back.
 */
export async function moveBack(stateDir: string, mark: Mark): Promise<void> {
  for (const name of replaced) {
    const isAside = existsSync(join(mark.aside, name));
    // An initdb that was under way may write for a moment longer, until its folder is gone.
    const again = { maxRetries: 20, retryDelay: 100 };
    if (isAside || !mark.present.includes(name)) {
      await rm(join(stateDir, name), { recursive: true, force: true, ...again });
    }
    if (isAside) await rename(join(mark.aside, name), join(stateDir, name));
  }
  await rmdir(mark.aside).catch(() => {});
  // What is back must be so on the disk before the mark is not.
  syncPath(stateDir);
  endRestore(stateDir);
}

/** From here on what was restored is what is there, after a power cut too. */
export function endRestore(stateDir: string): void {
  rmSync(pathOf(stateDir), { force: true });
  syncPath(stateDir);
}

/**
 * Undoes a restore that was killed: stops what it left running, and puts back what was there.
 * @throws CliError when there is none, or it goes on
 */
export async function undoRestore(stateDir: string): Promise<Mark> {
  requireFolder(stateDir, 'OXO_STATE_DIR');
  const lock = await lockStack(realpathSync(stateDir));
  if (lock === undefined) throw new CliError('a stack or a restore runs there', { advice: ['./oxo down first'] });
  try {
    const mark = readMark(stateDir);
    if (mark === undefined) throw new CliError(`no restore was left unfinished in ${stateDir}`);
    if (mark === 'damaged') {
      const advice = [`Move data and secrets.json from the newest before-restore-… back by hand, then remove it.`];
      throw new CliError(`${pathOf(stateDir)} is damaged`, { advice });
    }
    await stopOrphans(stateDir);
    await moveBack(stateDir, mark);
    return mark;
  } finally {
    await lock.release();
  }
}

function readMark(stateDir: string): Mark | 'damaged' | undefined {
  try {
    return markSchema.parse(JSON.parse(readFileSync(pathOf(stateDir), 'utf8')));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' ? undefined : 'damaged';
  }
}

function pathOf(stateDir: string): string {
  return join(stateDir, 'restore.json');
}
