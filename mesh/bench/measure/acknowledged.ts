import { createApi } from '../../local/client/api.ts';
import { createApiClient } from '../../local/client/api-client.ts';
import { inParallel } from '../../local/client/in-parallel.ts';
import { readPages } from '../../local/client/pages.ts';
import { personAt } from '../../local/client/people.ts';
import { followeesOf } from '../crowd.ts';
import type { Created } from '../load/closed-loop.ts';
import type { MeasureContext } from './context.ts';

export type AcknowledgedFigures = {
  /** Feeds that were read to their end. */
  readonly feeds: number;
  /** Acknowledged posts that a feed should hold and does not. */
  readonly lost: number;
  /** Items that a feed holds twice. */
  readonly doubles: number;
};

const feedsChecked = 40;
const connections = 8;
const pageSize = 100;
const maxPages = 1_000;

/** What was acknowledged: requests' places are the numbers of viewers, and of those whom all viewers follow. */
export type AcknowledgedPosts = { readonly byViewers: readonly Created[]; readonly byStars: readonly Created[] };

/**
 * Reads some feeds to their end and looks for every post that was acknowledged.
 * @throws Error when a feed has no end: what was not read cannot be called lost or found
 */
export async function checkAcknowledged(
  context: MeasureContext,
  { byViewers, byStars }: AcknowledgedPosts,
): Promise<AcknowledgedFigures> {
  const { crowd, stack, progress, signal } = context;
  const { viewers } = crowd;
  const step = Math.max(1, Math.floor(viewers.length / feedsChecked));
  const readers = [...viewers.keys()].filter((number) => number % step === 0);
  const phase = progress.phase('what was acknowledged', readers.length);
  const idsBy = Map.groupBy(byViewers, ({ request }) => request);
  const client = createApiClient({ frontDoor: stack.plan.urls.frontDoor, connections, signal });
  let lost = 0;
  let doubles = 0;
  try {
    const { readFeed } = createApi(client);
    await inParallel(readers, connections, async (reader) => {
      const seen = new Set<string>();
      const person = personAt(viewers, reader);
      const readPage = async (pageToken: string) => readFeed(await person.token(), pageSize, pageToken);
      for await (const { items } of readPages(`the feed of person ${reader}`, maxPages, readPage)) {
        for (const { id } of items) {
          if (seen.has(id)) doubles += 1;
          seen.add(id);
        }
      }
      const authors = [reader, ...followeesOf(reader, viewers.length)];
      const wanted = [...authors.flatMap((author) => idsBy.get(author) ?? []), ...byStars];
      lost += wanted.filter(({ id }) => !seen.has(id)).length;
      phase.done();
    });
  } finally {
    client.close();
  }
  phase.end(`${readers.length} feeds read to their end`);
  return { feeds: readers.length, lost, doubles };
}
