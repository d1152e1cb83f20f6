import { z } from 'zod';
import type { FollowRequest, FollowResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { OxoError, userNotFound } from '#kit/errors.ts';
import { type Outbox, outboxValues } from '#kit/events/outbox/outbox.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import { userFollowed } from '../events.ts';
import { FOLLOW, type FollowResult } from '../graph/follow-statements.ts';
import type { FollowVersions } from '../graph/follow-versions.ts';
import type { PulledAuthors } from '../graph/pulled-authors.ts';
import { findUser } from '../profiles/find-user.ts';

const input = z.object({ id: id() });

export interface FollowDependencies {
  db: Queryable;
  outbox: Outbox;
  followVersions: FollowVersions;
  pulledAuthors: Pick<PulledAuthors, 'touched'>;
  /** How many people one account may follow. */
  maxFollowees: number;
  clock: Clock;
}

/** Idempotent. @throws OxoError VALIDATION_FAILED, SELF_FOLLOW, USER_NOT_FOUND, FOLLOW_LIMIT_REACHED */
export function follow(dependencies: FollowDependencies) {
  const { db, outbox, followVersions, pulledAuthors, maxFollowees, clock } = dependencies;

  async function refuseIfLimitReached(followerId: string, followeeId: string, result: FollowResult): Promise<void> {
    if (result.changed || result.followingCount === null || result.followingCount < maxFollowees) return;
    // A twin of this request may have taken the last place.
    const { relationship } = await findUser(db, { id: followeeId }, followerId);
    if (relationship?.following) return;
    throw new OxoError('FOLLOW_LIMIT_REACHED', `An account can follow at most ${maxFollowees} people.`);
  }

  return async (request: FollowRequest, context: CallContext): Promise<FollowResponse> => {
    const { userId } = requireViewer(context);
    const followee = validate(input, request).id;
    if (followee === userId) {
      throw new OxoError('SELF_FOLLOW', 'One cannot follow oneself.', {
        fields: [{ field: 'id', description: 'is your own id' }],
      });
    }
    const event = outbox.row(userFollowed, { followerId: userId, followeeId: followee }, context);
    const values = [userId, followee, ...outboxValues(event), clock.nowMs(), maxFollowees];
    const write = async () => {
      const [result] = await db.query<FollowResult>(FOLLOW, values);
      if (!result?.followerExists || !result.followeeExists) throw userNotFound();
      await refuseIfLimitReached(userId, followee, result);
      event.version = result.version ?? undefined;
      return result;
    };
    // Also when nothing changed: the request that made the change may have been killed before it got so far.
    const { followedBy } = await outbox.commit([event], write, () => followVersions.changed(userId, followee));
    pulledAuthors.touched(followee);
    return { relationship: { following: true, followedBy } };
  };
}
