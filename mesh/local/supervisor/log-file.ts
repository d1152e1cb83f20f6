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
/** A log that is looked at grows until its size is seen again. */
const maxReadBytes = 4 * maxLogBytes;
const pieceBytes = 64 * 1024;
const lineBreak = 0x0a;

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

/** The last lines of a log and of the one before it, at most `count`, all of them whole; none when there is no file. */
export function lastLines(path: string, count: number): string[] {
  const lines = lastLinesOf(path, count);
  return lines.length < count ? [...lastLinesOf(`${path}.1`, count - lines.length), ...lines] : lines;
}

function lastLinesOf(path: string, count: number): string[] {
  try {
    const descriptor = openSync(path, 'r');
    try {
      return readBackwards(descriptor, count);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Piece by piece until there are enough lines. What precedes the first line break is a line only at the beginning of the file. */
function readBackwards(descriptor: number, count: number): string[] {
  const { size } = fstatSync(descriptor);
  const pieces: Buffer[] = [];
  let [start, breaks] = [size, 0];
  while (start > 0 && breaks <= count && size - start < maxReadBytes) {
    const piece = Buffer.alloc(Math.min(start, pieceBytes));
    start -= piece.length;
    readSync(descriptor, piece, 0, piece.length, start);
    for (const byte of piece) if (byte === lineBreak) breaks += 1;
    pieces.unshift(piece);
  }
  const text = Buffer.concat(pieces).toString('utf8');
  const whole = start > 0 ? text.slice(text.indexOf('\n') + 1) : text;
  return whole === '' || count === 0 ? [] : whole.replace(/\n$/, '').split('\n').slice(-count);
}
