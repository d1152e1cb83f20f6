import type { RegisterRequest, RegisterResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import type { Clock } from '#kit/clock.ts';
import { invalidFields, OxoError, unavailable } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validateRegistration } from '../../accounts/account-input.ts';
import type { Accounts } from '../../accounts/accounts.ts';
import type { Passwords } from '../../accounts/passwords.ts';
import type { Profiles } from '../../accounts/profiles.ts';
import type { Attempts } from '../../attempts/attempts.ts';
import type { KnownDevices } from '../../attempts/known-devices.ts';
import { askerOf, deviceOf } from '../../sessions/device.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import { sessionTokens } from '../../tokens/session-tokens.ts';
import type { TokenIssuer } from '../../tokens/token-issuer.ts';

export interface RegisterDependencies {
  accounts: Accounts;
  attempts: Attempts;
  knownDevices: KnownDevices;
  passwords: Passwords;
  profiles: Profiles;
  sessions: Sessions;
  issuer: TokenIssuer;
  clock: Clock;
}

/**
 * The account is written before its profile and made active after it, so that whatever a crash leaves behind is an account
 * that the sweep finds. Email addresses are not compared: only verified ones are unique.
 * @throws OxoError VALIDATION_FAILED, HANDLE_TAKEN; UNAVAILABLE when too many sign in, or the user service is away
 */
export function register(dependencies: RegisterDependencies) {
  const { accounts, attempts, knownDevices, passwords, profiles, sessions, issuer, clock } = dependencies;
  return async (request: RegisterRequest, context: CallContext): Promise<RegisterResponse> => {
    const { handle, email, password, displayName, deviceToken } = validateRegistration(request);
    const asker = askerOf(context);
    // What becomes of it does not matter: whether a handle is taken can be asked this way, and accounts can be deleted again.
    await attempts.register(asker.network);
    const passwordHash = await passwords.hash(password, asker);
    const account = { id: newId(clock.nowMs()), handle, displayName: displayName || handle };
    await accounts.insertPending({ ...account, email, passwordHash });

    // An error leaves the account to the sweep: the profile may or may not be there.
    const creation = await profiles.create(account, context);
    if (creation.outcome !== 'CREATED') {
      await accounts.deletePending(account.id);
      if (creation.outcome === 'REFUSED') throw invalidFields(creation.fields);
      throw new OxoError('HANDLE_TAKEN', 'This handle belongs to someone. Choose another one.');
    }
    const session = await sessions.open(account.id, deviceOf(context), context, 'REGISTER');
    if (session === undefined) throw unavailable('The account was not made. Try again.');
    const keptToken = await knownDevices.remember(account.id, deviceToken);
    return { user: creation.user, tokens: await sessionTokens(issuer, session), deviceToken: keptToken };
  };
}
