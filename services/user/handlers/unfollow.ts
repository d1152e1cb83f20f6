import { z } from 'zod';
import type { UnfollowRequest, UnfollowResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { userNotFound } from '#kit/errors.ts';
import { type Outbox, outboxValues } from '#kit/events/outbox/outbox.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import { userUnfollowed } from '../events.ts';
import { UNFOLLOW, type UnfollowResult } from '../graph/follow-statements.ts';
import type { FollowVersions } from '../graph/follow-versions.ts';
import type { PulledAuthors } from '../graph/pulled-authors.ts';

const input = z.object({ id: id() });

export interface UnfollowDependencies {
  db: Queryable;
  outbox: Outbox;
  followVersions: FollowVersions;
  pulledAuthors: Pick<PulledAuthors, 'touched'>;
}

/** Idempotent. @throws OxoError VALIDATION_FAILED, USER_NOT_FOUND */
export function unfollow({ db, outbox, followVersions, pulledAuthors }: UnfollowDependencies) {
  return async (request: UnfollowRequest, context: CallContext): Promise<UnfollowResponse> => {
    const { userId } = requireViewer(context);
    const followee = validate(input, request).id;
    const event = outbox.row(userUnfollowed, { followerId: userId, followeeId: followee }, context);
    const write = async () => {
      const [result] = await db.query<UnfollowResult>(UNFOLLOW, [userId, followee, ...outboxValues(event)]);
      if (!result?.followerExists || !result.followeeExists) throw userNotFound();
      event.version = result.version ?? undefined;
    };
    // Also when nothing changed: the request that made the change may have been killed before it got so far.
    await outbox.commit([event], write, () => followVersions.changed(userId, followee));
    pulledAuthors.touched(followee);
    return {};
  };
}
