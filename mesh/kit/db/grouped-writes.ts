/** Writes that come together share one statement: one round trip and one commit, however many there are. */
import { unavailable } from '#kit/errors.ts';

/** Statements on their way at once; what comes meanwhile gathers for the next. */
const MAX_IN_FLIGHT = 2;
const MAX_ITEMS = 64;
/** Items that may gather: more than a server has calls in hand. */
const MAX_WAITING = 1_024;

export interface GroupedWritesOptions<Item, Result> {
  /** Writes all items or none of them. @returns a result for each, in their order */
  writeAll(items: readonly Item[]): Promise<Result[]>;
  /** Whether a statement that failed may succeed for some of its items alone: then each is written by itself. */
  isWorthSplitting(error: unknown): boolean;
}

interface Waiting<Item, Result> {
  item: Item;
  settle: (result: Promise<Result>) => void;
}

/**
 * Groups writes: one that comes alone leaves in the same turn of the event loop, and under load a statement holds what came while the ones
 * before it were on their way.
 * @returns writes one item; resolves when it is committed, and fails with UNAVAILABLE when too many wait
 */
export function groupWrites<Item, Result>(
  options: GroupedWritesOptions<Item, Result>,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let isScheduled = false;

  async function writeGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await options.writeAll(group.map(({ item }) => item));
      for (const [index, { settle }] of group.entries()) settle(Promise.resolve(results[index] as Result));
    } catch (error) {
      if (group.length > 1 && options.isWorthSplitting(error)) {
        await Promise.all(group.map((one) => writeGroup([one])));
      } else {
        for (const { settle } of group) settle(Promise.reject(error));
      }
    }
  }

  function flush(): void {
    isScheduled = false;
    while (waiting.length > 0 && inFlight < MAX_IN_FLIGHT) {
      inFlight += 1;
      void writeGroup(waiting.splice(0, MAX_ITEMS)).finally(() => {
        inFlight -= 1;
        flush();
      });
    }
  }

  return (item) =>
    new Promise<Result>((resolve) => {
      if (waiting.length >= MAX_WAITING) throw unavailable('Too many writes wait.');
      waiting.push({ item, settle: resolve });
      if (isScheduled || inFlight === MAX_IN_FLIGHT) return;
      isScheduled = true;
      setImmediate(flush);
    });
}
