import type { LoginRequest, LoginResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { MINUTE_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { handleOf, loginInput } from '../accounts/account-input.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { Profiles } from '../accounts/profiles.ts';
import { type Attempts, rateLimited } from '../attempts/attempts.ts';
import type { KnownNetworks } from '../attempts/known-networks.ts';
import { askerOf, deviceOf } from '../sessions/device.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { sessionTokens } from '../tokens/session-tokens.ts';
import type { TokenIssuer } from '../tokens/token-issuer.ts';

export interface LoginDependencies {
  accounts: Accounts;
  attempts: Attempts;
  knownNetworks: KnownNetworks;
  passwords: Passwords;
  profiles: Profiles;
  sessions: Sessions;
  issuer: TokenIssuer;
}

/** Nobody has this id: asked for where there is no account, so that both take the same time. */
const NOBODY = '00000000-0000-7000-8000-000000000000';
const UNKNOWN_NETWORK_RETRY_MS = MINUTE_MS;

/**
 * A wrong password and an unknown handle give the same answer after the same work, as often as the limits allow.
 * @throws OxoError VALIDATION_FAILED, CREDENTIALS_INVALID, RATE_LIMITED; UNAVAILABLE when too many sign in, or the user service is away
 */
export function login(dependencies: LoginDependencies) {
  const { accounts, attempts, knownNetworks, passwords, profiles, sessions, issuer } = dependencies;
  return async (request: LoginRequest, context: CallContext): Promise<LoginResponse> => {
    const { identifier, password } = validate(loginInput, request);
    const handle = handleOf(identifier);
    const user = handle === undefined ? undefined : await profiles.byHandle(handle, context);
    const asker = askerOf(context);
    const attempt = await attempts.login(user?.id ?? identifier.trim().toLowerCase(), asker.network);
    const networkHash = attempts.hashOf(asker.network);
    if (attempt.onlyFromKnownNetworks && !(await knownNetworks.has(user?.id ?? NOBODY, networkHash)))
      throw rateLimited(UNKNOWN_NETWORK_RETRY_MS);

    const passwordHash = user === undefined ? undefined : await accounts.passwordHash(user.id);
    const right = await passwords.verify(passwordHash ?? passwords.decoy, password, asker);
    if (!right || user === undefined) throw wrongCredentials();

    const session = await sessions.open(user.id, deviceOf(context), context);
    if (session === undefined) throw wrongCredentials();
    attempt.giveBack();
    await knownNetworks.add(user.id, networkHash);
    return { user, tokens: await sessionTokens(issuer, session) };
  };
}

function wrongCredentials(): OxoError {
  return new OxoError('CREDENTIALS_INVALID', 'No account has this handle and password.');
}
