import type { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { type Clock, HOUR_MS, SECOND_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { Service } from '#kit/process/start.ts';
import type { Redis } from '#kit/redis/redis.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { RpcServer } from '#kit/rpc/server.ts';
import { createDeletion } from './deletion/deletion.ts';
import { createErasure } from './deletion/erasure.ts';
import { createFollowVersions } from './graph/follow-versions.ts';
import { createPulledAuthors } from './graph/pulled-authors.ts';
import {
  batchGetUsers,
  batchGetUsersByHandle,
  confirmErasure,
  createUser,
  deleteMe,
  follow,
  getMe,
  getUser,
  getUserByHandle,
  listFolloweeIds,
  listFollowers,
  listFollowing,
  resolveUser,
  streamFollowerIds,
  unfollow,
  updateMe,
} from './handlers/index.ts';
import { createPublishedProfiles } from './profiles/published-profiles.ts';

export interface UserServiceParts {
  db: Database;
  redis: Redis;
  outbox: Outbox;
  auth: RpcClient<AuthInternalServiceDefinition>;
  /** How many people one account may follow. */
  maxFollowees: number;
  /** Posts of authors with more followers are not pushed to them. */
  maxPushedFollowers: number;
  /** How long after a deletion the erasure begins, and how long the handle stays taken. */
  eraseAfterMs: number;
  handleKeptMs: number;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
}

/** The one place where the handlers of this service get what they use. */
export function createUserService(parts: UserServiceParts) {
  const { db, redis, outbox, auth, clock, logger, metrics } = parts;
  const { maxFollowees, maxPushedFollowers, eraseAfterMs, handleKeptMs } = parts;
  const profiles = createPublishedProfiles(redis, db, logger);
  const deletion = createDeletion({ db, outbox, profiles, auth, eraseAfterMs, clock });
  const followVersions = createFollowVersions(redis, logger);
  const pulledAuthors = createPulledAuthors({ db, redis, followVersions, maxPushedFollowers, metrics });
  const erasure = createErasure({
    ...{ db, outbox, followVersions, pulledAuthors, eraseAfterMs, handleKeptMs, clock, logger },
  });

  return {
    addServices(server: RpcServer): void {
      server.add(UserServiceDefinition, {
        getMe: getMe({ db }),
        updateMe: updateMe({ db, outbox, profiles }),
        deleteMe: deleteMe({ deletion }),
        getUser: getUser({ db }),
        getUserByHandle: getUserByHandle({ db }),
        follow: follow({ db, outbox, followVersions, pulledAuthors, maxFollowees, clock }),
        unfollow: unfollow({ db, outbox, followVersions, pulledAuthors }),
        listFollowers: listFollowers({ db }),
        listFollowing: listFollowing({ db }),
      });
      server.add(UserInternalServiceDefinition, {
        confirmErasure: confirmErasure({ db, clock }),
        createUser: createUser({ db, outbox, profiles, clock }),
        resolveUser: resolveUser({ db }),
        batchGetUsers: batchGetUsers({ profiles }),
        batchGetUsersByHandle: batchGetUsersByHandle({ db }),
        streamFollowerIds: streamFollowerIds({ db, followVersions }),
        listFolloweeIds: listFolloweeIds({ db, followVersions }),
      });
    },
    effects: [...profiles.effects, ...followVersions.effects, ...deletion.effects],
    background: [
      { name: 'authors who cross the limit of followers', intervalMs: SECOND_MS, work: pulledAuthors.review },
      { name: 'sweep of pulled authors', intervalMs: 30 * SECOND_MS, work: pulledAuthors.sweep },
      { name: 'erasure', intervalMs: 2 * SECOND_MS, work: erasure.eraseDue },
      { name: 'clean-up of deletions', intervalMs: HOUR_MS, work: erasure.cleanUp },
    ],
  } satisfies Service;
}
