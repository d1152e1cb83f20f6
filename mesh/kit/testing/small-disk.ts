import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small disk that a test can fill. */
export interface SmallDisk {
  path: string;
  fill(): void;
  /** There is space again. */
  free(): void;
  unmount(): void;
}

const pieceBytes = 64 * 1_024;

/** @returns undefined for whoever may not mount */
export function mountSmallDisk(mebibytes = 8): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'oxo-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    rmdirSync(path);
    return undefined;
  }
  const filler = join(path, 'filler');
  return {
    path,
    fill() {
      const file = openSync(filler, 'w');
      try {
        const piece = Buffer.alloc(pieceBytes);
        for (let written = 0; written < 2 * mebibytes * 1_024 ** 2; written += pieceBytes) writeSync(file, piece);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
    unmount() {
      execFileSync('umount', [path]);
      rmdirSync(path);
    },
  };
}
