import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { AuthServiceDefinition } from '#gen/oxo/auth/v1/auth_service.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { type Clock, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { ERASURES_AT_ONCE } from '#kit/events/consumers/user-deleted.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Service } from '#kit/process/start.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { RpcServer } from '#kit/rpc/server.ts';
import { createAccounts } from './accounts/accounts.ts';
import { createDisabling } from './accounts/disabling.ts';
import type { Passwords } from './accounts/passwords.ts';
import { createPendingSweep } from './accounts/pending-sweep.ts';
import { createProfiles } from './accounts/profiles.ts';
import { ERASURE } from './events/durables.ts';
import { onUserDeleted } from './events/on-user-deleted.ts';
import {
  disableAccount,
  issueServiceToken,
  listSessions,
  login,
  logout,
  refresh,
  register,
  revokeSession,
  rotateSigningKeys,
} from './handlers/index.ts';
import type { KeyRotation } from './keys/rotation.ts';
import type { SigningKeys } from './keys/signing-keys.ts';
import { createSessions } from './sessions/sessions.ts';
import type { TokenIssuer } from './tokens/token-issuer.ts';

export interface AuthServiceParts {
  db: Database;
  outbox: Outbox;
  users: RpcClient<UserInternalServiceDefinition>;
  /** Fed with the revocations of every process; sessions that end here are refused here at once. */
  denyList: DenyList;
  keys: Pick<SigningKeys, 'reload' | 'dropExpired'>;
  rotation: KeyRotation;
  issuer: TokenIssuer;
  passwords: Passwords;
  /** SHA-256 of the secret of each service, by its name. */
  secretHashes: ReadonlyMap<string, Buffer>;
  clock: Clock;
  logger: Logger;
}

/** The one place where the handlers of this service get what they use. */
export function createAuthService(parts: AuthServiceParts) {
  const { db, outbox, users, denyList, keys, rotation, issuer, passwords, secretHashes, clock, logger } = parts;
  const accounts = createAccounts(db, clock);
  const profiles = createProfiles(users);
  const sessions = createSessions({ db, outbox, denyList, clock });
  const disable = createDisabling({ db, outbox, denyList });
  const sweep = createPendingSweep({ accounts, profiles, clock, logger });

  return {
    addServices(server: RpcServer): void {
      server.add(AuthServiceDefinition, {
        register: register({ accounts, passwords, profiles, sessions, issuer, clock }),
        login: login({ accounts, passwords, profiles, sessions, issuer }),
        refresh: refresh({ sessions, issuer, logger }),
        logout: logout({ sessions }),
        listSessions: listSessions({ db, clock }),
        revokeSession: revokeSession({ sessions }),
      });
      server.add(AuthInternalServiceDefinition, {
        disableAccount: disableAccount({ disable }),
        issueServiceToken: issueServiceToken({ secretHashes, issuer }),
        rotateSigningKeys: rotateSigningKeys({ rotation }),
      });
    },
    consumers: [{ durable: ERASURE, handlers: [onUserDeleted({ db, users, clock })], concurrency: ERASURES_AT_ONCE }],
    background: [
      { name: 'sweep of registrations', intervalMs: 30 * SECOND_MS, work: sweep },
      { name: 'reload of keys', intervalMs: MINUTE_MS, work: keys.reload },
      { name: 'rotation of keys', intervalMs: MINUTE_MS, work: rotation.rotateWhenDue },
      { name: 'clean-up of sessions', intervalMs: 5 * MINUTE_MS, work: sessions.cleanUp },
      { name: 'clean-up of keys', intervalMs: 5 * MINUTE_MS, work: keys.dropExpired },
    ],
  } satisfies Service;
}
