import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects garbage at once, which takes some 50 ms: for the end of a start. Loading modules leaves as much garbage as code, and an idle process
 * allocates so little that V8 would keep it for minutes. By V8's `--expose-gc`, which contexts made after it was set have, ours not.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect();
}
