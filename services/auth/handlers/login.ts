import type { LoginRequest, LoginResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { OxoError } from '#kit/errors.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { handleOf, loginInput } from '../accounts/account-input.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { Profiles } from '../accounts/profiles.ts';
import { askerOf, deviceOf } from '../sessions/device.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { sessionTokens } from '../tokens/session-tokens.ts';
import type { TokenIssuer } from '../tokens/token-issuer.ts';

export interface LoginDependencies {
  accounts: Accounts;
  passwords: Passwords;
  profiles: Profiles;
  sessions: Sessions;
  issuer: TokenIssuer;
}

/**
 * A wrong password and an unknown handle give the same answer after the same work.
 * @throws OxoError VALIDATION_FAILED, CREDENTIALS_INVALID; UNAVAILABLE when too many sign in, or the user service is away
 */
export function login({ accounts, passwords, profiles, sessions, issuer }: LoginDependencies) {
  return async (request: LoginRequest, context: CallContext): Promise<LoginResponse> => {
    const { identifier, password } = validate(loginInput, request);
    const handle = handleOf(identifier);
    const user = handle === undefined ? undefined : await profiles.byHandle(handle, context);
    const passwordHash = user === undefined ? undefined : await accounts.passwordHash(user.id);
    const right = await passwords.verify(passwordHash ?? passwords.decoy, password, askerOf(context));
    if (!right || user === undefined) throw wrongCredentials();

    const session = await sessions.open(user.id, deviceOf(context), context);
    if (session === undefined) throw wrongCredentials();
    return { user, tokens: await sessionTokens(issuer, session) };
  };
}

function wrongCredentials(): OxoError {
  return new OxoError('CREDENTIALS_INVALID', 'No account has this handle and password.');
}
