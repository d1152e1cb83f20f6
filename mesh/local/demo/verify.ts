import { count } from '../cli/statistics.ts';
import type { Api, FeedItem } from '../client/api.ts';
import { inParallel } from '../client/in-parallel.ts';
import { type Person, personAt } from '../client/people.ts';
import { compareFeed, type Difference } from './compare.ts';
import type { FeedRun } from './phases.ts';

export type Verdict = {
  /** Feeds that are exactly as they should be. */
  readonly exact: number;
  readonly feeds: number;
  readonly items: number;
  readonly pages: number;
  readonly wrong: readonly WrongFeed[];
};

export type WrongFeed = {
  readonly reader: number;
  readonly handle: string;
  readonly differences: readonly Difference[];
};

/** Page sizes in turn; undefined is the default of the API, 250 more than it gives. */
const pageSizes = [undefined, 7, 100, 33, 250, 50, 1];
const maxSmallPages = 3;
const maxPages = 10_000;

/** Reads every feed to its end and compares it with what it must hold. */
export async function verifyAll(run: FeedRun, people: readonly Person[], name: string): Promise<Verdict> {
  const phase = run.progress.phase(name, people.length);
  const wrong: WrongFeed[] = [];
  let items = 0;
  let pages = 0;
  await inParallel(people, run.connections, async (person, reader) => {
    const wanted = run.expected.feedOf(reader);
    const feed = await readWholeFeed(run.api, person, wanted.length, reader);
    items += feed.items.length;
    pages += feed.pages;
    const differences = [
      ...feed.problems,
      ...compareFeed(wanted, feed.items, {
        reader,
        userIdOf: (number) => personAt(people, number).userId,
        explain: (postId) => explain(run, reader, postId),
      }),
    ];
    if (differences.length > 0) wrong.push({ reader, handle: person.handle, differences });
    phase.done();
  });
  const exact = people.length - wrong.length;
  phase.end(`${count(exact)} of ${count(people.length)} exact; ${count(items)} items on ${count(pages)} pages`);
  return { exact, feeds: people.length, items, pages, wrong: wrong.sort((a, b) => a.reader - b.reader) };
}

type WholeFeed = { readonly items: readonly FeedItem[]; readonly pages: number; readonly problems: Difference[] };

/**
 * Pages through a feed with sizes that change from page to page.
 * @param offset another place to begin in the list of sizes
 */
async function readWholeFeed(api: Api, person: Person, wantedItems: number, offset: number): Promise<WholeFeed> {
  const items: FeedItem[] = [];
  const problems: Difference[] = [];
  const report = (text: string): void => void problems.push({ kind: 'paging', postId: '', text });
  // Bounded also when paging goes round in circles.
  const maxItems = wantedItems * 2 + 1_000;
  let pageToken = '';
  for (let page = 0; page < maxPages && items.length <= maxItems; page += 1) {
    const size = sizeOf(page, offset);
    const answer = await api.readFeed(await person.token(), size, pageToken);
    items.push(...answer.items);
    const limit = Math.min(size ?? 20, 100);
    if (answer.items.length > limit) report(`page ${page + 1} holds ${answer.items.length} items, more than ${limit}`);
    if (answer.nextPageToken === '') return { items, pages: page + 1, problems };
    if (answer.nextPageToken === pageToken) {
      report(`page ${page + 1} gives its own page token again`);
      return { items, pages: page + 1, problems };
    }
    pageToken = answer.nextPageToken;
  }
  report(`no end after ${items.length} items; ${wantedItems} were expected`);
  return { items, pages: 0, problems };
}

/** Small pages only at the beginning: a long feed of them would take for ever. */
function sizeOf(page: number, offset: number): number | undefined {
  const size = pageSizes[(page + offset) % pageSizes.length];
  return size !== undefined && size < 20 && page >= maxSmallPages ? 100 : size;
}

function explain({ expected }: FeedRun, reader: number, postId: string): string {
  const post = expected.whatBecameOf(postId);
  if (post === 'deleted') return 'it was deleted';
  if (post === 'unknown') return 'nobody in this run wrote it';
  const follows = expected.followersOf(post.author).has(reader);
  return follows ? 'unexpected' : `its author, person ${post.author}, is not followed`;
}
