import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { AuthServiceDefinition } from '#gen/oxo/auth/v1/auth_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Logger } from '#kit/logger.ts';
import type { RpcServer } from '#kit/rpc/server.ts';
import type { Accounts } from './accounts/accounts.ts';
import type { Passwords } from './accounts/passwords.ts';
import type { Profiles } from './accounts/profiles.ts';
import { issueServiceToken, login, logout, refresh, register } from './handlers/index.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { TokenIssuer } from './tokens/token-issuer.ts';

export interface AuthServiceDependencies {
  accounts: Accounts;
  passwords: Passwords;
  profiles: Profiles;
  sessions: Sessions;
  issuer: TokenIssuer;
  secretHashes: ReadonlyMap<string, Buffer>;
  clock: Clock;
  logger: Logger;
}

/** The one place where the handlers of this service get what they use. */
export function addAuthServices(server: RpcServer, dependencies: AuthServiceDependencies): void {
  const { accounts, passwords, profiles, sessions, issuer, secretHashes, clock, logger } = dependencies;

  server.add(AuthServiceDefinition, {
    register: register({ accounts, passwords, profiles, sessions, issuer, clock }),
    login: login({ accounts, passwords, profiles, sessions, issuer }),
    refresh: refresh({ sessions, issuer, logger }),
    logout: logout({ sessions }),
  });
  server.add(AuthInternalServiceDefinition, {
    issueServiceToken: issueServiceToken({ secretHashes, issuer }),
  });
}
