import { z } from 'zod';
import type { StreamFollowerIdsRequest, StreamFollowerIdsResponse } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { ids, validate } from '#kit/validate.ts';
import type { FollowVersions } from '../graph/follow-versions.ts';
import { followerPages } from '../graph/follower-pages.ts';

const input = z.object({ userIds: ids({ min: 1, max: 500 }) });
const CHUNK_IDS = 1_000;

export interface StreamFollowerIdsDependencies {
  db: Queryable;
  followVersions: FollowVersions;
}

/**
 * The followers of each user, in chunks of at most 1,000, with the version of their list; one empty chunk for a user
 * without any.
 * @throws OxoError VALIDATION_FAILED
 */
export function streamFollowerIds({ db, followVersions }: StreamFollowerIdsDependencies) {
  return async function* (request: StreamFollowerIdsRequest): AsyncGenerator<StreamFollowerIdsResponse> {
    const userIds = [...new Set(validate(input, request).userIds)];
    // Before the followers: a follow that comes between makes the version old, never the list.
    const versions = await followVersions.ofFollowers(userIds);
    const versionOf = new Map(userIds.map((userId, index) => [userId, versions[index] ?? '']));
    const withoutFollowers = new Set(userIds);
    for await (const groups of followerPages(db, userIds)) {
      for (const { userId, followerIds } of groups) {
        withoutFollowers.delete(userId);
        for (let start = 0; start < followerIds.length; start += CHUNK_IDS) {
          const chunk = followerIds.slice(start, start + CHUNK_IDS);
          yield { userId, followerIds: chunk, version: versionOf.get(userId) ?? '' };
        }
      }
    }
    for (const userId of withoutFollowers) yield { userId, followerIds: [], version: versionOf.get(userId) ?? '' };
  };
}
