import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** Who reads in a pager may take his time. */
const patienceMs = 10 * 60_000;
const pollMs = 20;

/** Resolves when all that was written is with the reader, or he is gone, or has taken nothing for so long. */
export async function drained(stream: Writable, limitMs: number = patienceMs): Promise<void> {
  let left = stream.writableLength;
  let movedMs = performance.now();
  while (stream.writableLength > 0 && !stream.destroyed && performance.now() - movedMs < limitMs) {
    if (stream.writableLength !== left) [left, movedMs] = [stream.writableLength, performance.now()];
    await delay(pollMs);
  }
}
