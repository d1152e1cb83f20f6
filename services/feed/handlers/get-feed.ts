import { z } from 'zod';
import type { GetFeedRequest, GetFeedResponse } from '#gen/oxo/feed/v1/feed_service.ts';
import { fillPage } from '#kit/fill-page.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import { decodePageToken, encodePageToken, type Position } from '#kit/page-token.ts';
import type { TimelineEntry } from '#kit/redis/timeline.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { pageFields, validate } from '#kit/validate.ts';
import type { ArrivalReader } from '../feed/arrivals.ts';
import type { CandidateReader } from '../feed/candidates.ts';
import type { Hydrated, Hydrator } from '../feed/hydration.ts';
import type { FeedMetrics } from '../feed/metrics.ts';
import { asResponse, encodeFeedPage } from '../feed/response.ts';
import { decodeSince, encodeSince, type Place, UNKNOWN_PLACE } from '../feed/since.ts';
import type { Windows } from '../feed/window.ts';

const input = z
  .object({
    ...pageFields({ default: 20, max: 100 }),
    sinceId: z.string().max(512, 'must be at most 512 characters'),
  })
  .refine(({ pageToken, sinceId }) => pageToken === '' || sinceId === '', {
    path: ['sinceId'],
    message: 'must be empty when there is a pageToken',
  });

export interface GetFeedDependencies {
  candidates: CandidateReader;
  arrivals: ArrivalReader;
  hydrator: Hydrator;
  windows: Pick<Windows, 'remove'>;
  metrics: FeedMetrics;
}

/**
 * @throws OxoError VALIDATION_FAILED, PAGE_TOKEN_INVALID. A `since_id` that is of no use is answered by the newest
 * page and `reset`
 */
export function getFeed({ candidates, arrivals, hydrator, windows, metrics }: GetFeedDependencies) {
  async function hydrate(entries: readonly TimelineEntry[], context: CallContext): Promise<Hydrated[]> {
    const { found, gone } = await hydrator.hydrate(entries, context);
    // Best effort: whoever reads the window next finds them gone again.
    if (gone.length > 0) windows.remove(requireViewer(context).userId, gone).catch(() => undefined);
    return found;
  }

  /** @returns also the place of the page when it is the first */
  async function readPage(
    before: Position | undefined,
    pageSize: number,
    context: CallContext,
  ): Promise<{ items: Hydrated[]; next: Position | undefined; place: Place | undefined }> {
    let place: Place | undefined;
    const page = await fillPage<TimelineEntry, Hydrated>({
      before,
      pageSize,
      async read(from, count) {
        const stretch = await candidates.read(from, count, context);
        metrics.read(stretch.source);
        if (from === undefined) place = stretch.place ?? UNKNOWN_PLACE;
        return stretch;
      },
      show: (entries) => hydrate(entries, context),
      positionOf: (entry) => entry,
    });
    return { ...page, place };
  }

  return async (request: GetFeedRequest, context: CallContext): Promise<GetFeedResponse> => {
    const { userId } = requireViewer(context);
    const { pageSize, pageToken, sinceId } = validate(input, request);
    if (sinceId !== '') {
      const arrived = await arrivals.read(decodeSince(userId, sinceId), pageSize, context);
      if (arrived !== undefined) {
        metrics.read('window');
        const items = await hydrate(arrived.entries, context);
        return asResponse(encodeFeedPage(items, { sinceId: encodeSince(userId, arrived.place) }, userId));
      }
    }
    const list = `feed:${userId}`;
    const { items, next, place } = await readPage(decodePageToken(list, pageToken), pageSize, context);
    const rest = {
      nextPageToken: next === undefined ? '' : encodePageToken(list, next),
      sinceId: place === undefined ? '' : encodeSince(userId, place),
      reset: sinceId !== '',
    };
    return asResponse(encodeFeedPage(items, rest, userId));
  };
}
