import {
  appendFileSync,
  closeSync,
  copyFileSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** A log and the one before it take at most about twice this. */
const maxLogBytes = 10 * 1024 * 1024;

/**
 * Gives a file descriptor to hand to a child as stdout and stderr.
 * The child writes to the file itself: no data passes through the supervisor, and it outlives a supervisor that is killed.
 * Only its owner can read it.
 */
export function withLogDescriptor<T>(path: string, use: (descriptor: number) => T): T {
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, 'a', 0o600);
  try {
    fchmodSync(descriptor, 0o600);
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Adds what a program that has ended already said. */
export function appendLog(path: string, text: string): void {
  withLogDescriptor(path, (descriptor) => appendFileSync(descriptor, text));
}

/**
 * Keeps a log bounded: what is too long moves to `<path>.1`.
 * The file is copied and emptied because its writer keeps it open (in append mode); lines written in between are lost.
 */
export function boundLog(path: string, maxBytes: number = maxLogBytes): void {
  try {
    if (statSync(path).size <= maxBytes) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** The last lines of a log, at most `count` of the last 64 KiB; none when there is no file. */
export function lastLines(path: string, count: number): string[] {
  const window = 64 * 1024;
  try {
    const descriptor = openSync(path, 'r');
    try {
      const { size } = fstatSync(descriptor);
      const buffer = Buffer.alloc(Math.min(size, window));
      readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8').trimEnd().split('\n').slice(-count);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
