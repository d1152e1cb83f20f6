import { z } from 'zod';
import type { ListFolloweeIdsRequest, ListFolloweeIdsResponse } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { ids, validate } from '#kit/validate.ts';
import type { FollowVersions } from '../graph/follow-versions.ts';
import { isThere } from '../graph/gone.ts';

const input = z.object({ amongIds: ids({ max: 1_000 }) });

/** The limit on follows bounds both. Users who are gone leave their edges to the erasure. */
const FOLLOWEES = {
  name: 'followees',
  text: `select string_agg(followee_id::text, ',') as ids,
      string_agg(followee_id::text, ',') filter (where pulled.user_id is not null) as "pulledIds"
    from follows left join pulled_authors pulled on pulled.user_id = followee_id
    where follower_id = $1::uuid and ${isThere('followee_id')}`,
};
const FOLLOWEES_AMONG = {
  name: 'followees-among',
  text: `select string_agg(followee_id::text, ',') as ids from follows
    where follower_id = $1::uuid and followee_id = any($2::uuid[]) and ${isThere('followee_id')}`,
};

interface Ids {
  ids: string | null;
  pulledIds?: string | null;
}

export interface ListFolloweeIdsDependencies {
  db: Queryable;
  followVersions: FollowVersions;
}

/**
 * Whom the caller follows, all of them or those of `among_ids`, and the version of that set.
 * @throws OxoError VALIDATION_FAILED
 */
export function listFolloweeIds({ db, followVersions }: ListFolloweeIdsDependencies) {
  return async (request: ListFolloweeIdsRequest, context: CallContext): Promise<ListFolloweeIdsResponse> => {
    const { userId } = requireViewer(context);
    const { amongIds } = validate(input, request);
    // Before the set: a follow that comes between makes the version old, never the set.
    const version = await followVersions.ofFollowees(userId);
    const among = amongIds.length > 0;
    const [row] = await db.query<Ids>(among ? FOLLOWEES_AMONG : FOLLOWEES, among ? [userId, amongIds] : [userId]);
    return { followeeIds: split(row?.ids), version, pulledIds: split(row?.pulledIds) };
  };
}

function split(ids: string | null | undefined): string[] {
  return ids ? ids.split(',') : [];
}
