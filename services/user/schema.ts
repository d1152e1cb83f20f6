import type { NamedMigration } from '#kit/db/migrations.ts';
import { DeletionEntity } from './entities/deletion-entity.ts';
import { ErasureConfirmationEntity } from './entities/erasure-confirmation-entity.ts';
import { FollowEntity } from './entities/follow-entity.ts';
import { FollowerCountEntity } from './entities/follower-count-entity.ts';
import { PulledAuthorEntity } from './entities/pulled-author-entity.ts';
import { RetiredHandleEntity } from './entities/retired-handle-entity.ts';
import { UserEntity } from './entities/user-entity.ts';
import { Initial } from './migrations/20261123-initial.ts';
import { Deletions } from './migrations/20261127-deletions.ts';
import { Erasures } from './migrations/20261127-erasures.ts';
import { FollowLists } from './migrations/20261127-follow-lists.ts';
import { PulledAuthors } from './migrations/20261127-pulled-authors.ts';
import { OwnerLocks } from './migrations/20261128-owner-locks.ts';
import { RelayChannel } from './migrations/20261128-relay-channel.ts';
import { RetiredHandles } from './migrations/20261201-retired-handles.ts';

/** The tables of this service: its entities, and its migrations in the order in which they run. */
export const entities = [
  UserEntity,
  FollowEntity,
  FollowerCountEntity,
  DeletionEntity,
  ErasureConfirmationEntity,
  PulledAuthorEntity,
  RetiredHandleEntity,
];
export const migrations: NamedMigration[] = [
  { name: '20261123-initial', class: Initial },
  { name: '20261127-follow-lists', class: FollowLists },
  { name: '20261127-deletions', class: Deletions },
  { name: '20261127-pulled-authors', class: PulledAuthors },
  { name: '20261127-erasures', class: Erasures },
  { name: '20261128-owner-locks', class: OwnerLocks },
  { name: '20261128-relay-channel', class: RelayChannel },
  { name: '20261201-retired-handles', class: RetiredHandles },
];
