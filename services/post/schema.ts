import type { NamedMigration } from '#kit/db/migrations.ts';
import { DeletedPostEntity } from './entities/deleted-post-entity.ts';
import { PostEntity } from './entities/post-entity.ts';
import { PostRevisionEntity } from './entities/post-revision-entity.ts';
import { Initial } from './migrations/20261123-initial.ts';
import { ByAuthor } from './migrations/20261127-by-author.ts';
import { Entities } from './migrations/20261127-entities.ts';
import { Erasure } from './migrations/20261127-erasure.ts';
import { Public } from './migrations/20261127-public.ts';
import { Pulled } from './migrations/20261127-pulled.ts';
import { Revisions } from './migrations/20261127-revisions.ts';
import { OwnerLocks } from './migrations/20261128-owner-locks.ts';
import { RelayChannel } from './migrations/20261128-relay-channel.ts';

/** The tables of this service: its entities, and its migrations in the order in which they run. */
export const entities = [PostEntity, PostRevisionEntity, DeletedPostEntity];
export const migrations: NamedMigration[] = [
  { name: '20261123-initial', class: Initial },
  { name: '20261127-entities', class: Entities },
  { name: '20261127-revisions', class: Revisions },
  { name: '20261127-pulled', class: Pulled },
  { name: '20261127-public', class: Public },
  { name: '20261127-erasure', class: Erasure },
  { name: '20261127-by-author', class: ByAuthor },
  { name: '20261128-owner-locks', class: OwnerLocks },
  { name: '20261128-relay-channel', class: RelayChannel },
];
