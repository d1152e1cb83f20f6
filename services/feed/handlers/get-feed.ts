import { z } from 'zod';
import type { GetFeedRequest, GetFeedResponse } from '#gen/oxo/feed/v1/feed_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import { decodePageToken, encodePageToken, type Position } from '#kit/page-token.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { pageFields, validate } from '#kit/validate.ts';
import type { CandidateReader } from '../feed/candidates.ts';
import type { Hydrated, Hydrator } from '../feed/hydration.ts';
import type { FeedMetrics } from '../feed/metrics.ts';
import { asResponse, encodeFeedPage } from '../feed/response.ts';
import type { Windows } from '../feed/window.ts';

const input = z.object(pageFields({ default: 20, max: 100 }));

/** A page whose candidates turn out to be gone is filled up from older ones, at most so often; then it stays short. */
const MAX_ROUNDS = 10;

export interface GetFeedDependencies {
  candidates: CandidateReader;
  hydrator: Hydrator;
  windows: Pick<Windows, 'remove'>;
  metrics: FeedMetrics;
}

export function getFeed({ candidates, hydrator, windows, metrics }: GetFeedDependencies) {
  return async (request: GetFeedRequest, context: CallContext): Promise<GetFeedResponse> => {
    const { userId } = requireViewer(context);
    const { pageSize, pageToken } = validate(input, request);
    const list = `feed:${userId}`;
    let next = decodePageToken(list, pageToken);
    const items: Hydrated[] = [];
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const wanted = pageSize - items.length;
      // One more than wanted tells whether another page follows.
      const stretch = await candidates.read(next, wanted + 1, context);
      metrics.read(stretch.source);
      const taken = stretch.entries.slice(0, wanted);
      const { found, gone } = await hydrator.hydrate(taken, context);
      items.push(...found);
      forget(gone);
      const more: Position | undefined = stretch.entries.length > wanted ? taken.at(-1) : stretch.next;
      if (more === undefined) return page(items, '', userId);
      next = more;
      if (items.length === pageSize) break;
    }
    return page(items, next === undefined ? '' : encodePageToken(list, next), userId);

    function forget(gone: Parameters<Windows['remove']>[1]): void {
      // Best effort: whoever reads the window next finds them gone again.
      if (gone.length > 0) windows.remove(userId, gone).catch(() => undefined);
    }
  };
}

function page(items: Hydrated[], nextPageToken: string, userId: string): GetFeedResponse {
  return asResponse(encodeFeedPage(items, nextPageToken, userId));
}
