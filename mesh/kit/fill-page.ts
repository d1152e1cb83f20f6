import type { Position } from '#kit/page-token.ts';

/** What turns out to be hidden is made up for by what is older, in so many rounds at most; then the page stays short. */
const MAX_ROUNDS = 10;

export interface FilledPage<Entry, Item> {
  /** Where the page begins: behind this place, or at the newest entry. */
  before: Position | undefined;
  pageSize: number;
  /**
   * Reads the next `count` entries, newest first. Where there are fewer in this stretch of the list, `next` is the place behind which more may
   * be; undefined at the end of the list.
   */
  read(before: Position | undefined, count: number): Promise<{ entries: readonly Entry[]; next?: Position }>;
  /** What is shown of the entries, in their order; those that are hidden or gone are left out. */
  show(entries: readonly Entry[]): Promise<readonly Item[]> | readonly Item[];
  positionOf(entry: Entry): Position;
  /** Default 10; fewer for a `read` that passes over much by itself. */
  maxRounds?: number;
}

/**
 * A page of a list whose entries may be hidden, filled up past these.
 * @returns also the place behind which the next page begins; undefined at the end of the list
 */
export async function fillPage<Entry, Item>(
  page: FilledPage<Entry, Item>,
): Promise<{ items: Item[]; next: Position | undefined }> {
  const items: Item[] = [];
  let next = page.before;
  for (let round = 0; round < (page.maxRounds ?? MAX_ROUNDS); round += 1) {
    const wanted = page.pageSize - items.length;
    // One more than wanted tells whether another page follows.
    const stretch = await page.read(next, wanted + 1);
    const taken = stretch.entries.slice(0, wanted);
    items.push(...(await page.show(taken)));
    const last = stretch.entries.length > wanted ? taken.at(-1) : undefined;
    next = last === undefined ? stretch.next : page.positionOf(last);
    if (next === undefined || items.length === page.pageSize) break;
  }
  return { items, next };
}
