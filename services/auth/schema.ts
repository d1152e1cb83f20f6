import type { NamedMigration } from '#kit/db/migrations.ts';
import { AccountEntity } from './entities/account-entity.ts';
import { SessionEntity } from './entities/session-entity.ts';
import { SigningKeyEntity } from './entities/signing-key-entity.ts';
import { Initial } from './migrations/20261123-initial.ts';
import { RevokedSessions } from './migrations/20261124-revoked-sessions.ts';
import { DisabledAccounts } from './migrations/20261127-disabled-accounts.ts';
import { OwnerLocks } from './migrations/20261128-owner-locks.ts';
import { RelayChannel } from './migrations/20261128-relay-channel.ts';

/** The tables of this service: its entities, and its migrations in the order in which they run. */
export const entities = [AccountEntity, SessionEntity, SigningKeyEntity];
export const migrations: NamedMigration[] = [
  { name: '20261123-initial', class: Initial },
  { name: '20261124-revoked-sessions', class: RevokedSessions },
  { name: '20261127-disabled-accounts', class: DisabledAccounts },
  { name: '20261128-owner-locks', class: OwnerLocks },
  { name: '20261128-relay-channel', class: RelayChannel },
];
