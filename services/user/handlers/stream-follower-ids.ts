import { z } from 'zod';
import type { StreamFollowerIdsRequest, StreamFollowerIdsResponse } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Database } from '#kit/db/database.ts';
import { ids, validate } from '#kit/validate.ts';
import { followerPages } from '../graph/follower-pages.ts';

const input = z.object({ userIds: ids({ min: 1, max: 500 }) });
const CHUNK_IDS = 1_000;

export function streamFollowerIds({ db }: { db: Database }) {
  return async function* (request: StreamFollowerIdsRequest): AsyncGenerator<StreamFollowerIdsResponse> {
    const { userIds } = validate(input, request);
    for await (const groups of followerPages(db, userIds)) {
      for (const { userId, followerIds } of groups) {
        for (let start = 0; start < followerIds.length; start += CHUNK_IDS) {
          yield { userId, followerIds: followerIds.slice(start, start + CHUNK_IDS) };
        }
      }
    }
  };
}
