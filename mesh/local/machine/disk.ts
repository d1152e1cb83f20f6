import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** Four files of Postgres's log: with less, or without inodes, writes fail at any time. */
const fullBelowBytes = 64 * 1024 ** 2;

export type Disk = {
  /** The folder that was asked about, or the nearest above it that exists. */
  readonly folder: string;
  /** For who is not root. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Undefined: this file system counts no inodes. */
  readonly freeInodes: number | undefined;
  readonly totalInodes: number;
};

/** The disk that a folder lies on, or would. */
export function readDisk(folder: string): Disk {
  let existing = folder;
  while (!existsSync(existing) && existing !== dirname(existing)) existing = dirname(existing);
  const { bavail, bsize, blocks, ffree, files } = statfsSync(existing);
  return {
    folder: existing,
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
    freeInodes: files > 0 ? ffree : undefined,
    totalInodes: files,
  };
}

/** Whether Postgres and JetStream can't count on another write. */
export function isFull({ freeBytes, freeInodes }: Pick<Disk, 'freeBytes' | 'freeInodes'>): boolean {
  return freeBytes < fullBelowBytes || freeInodes === 0;
}
