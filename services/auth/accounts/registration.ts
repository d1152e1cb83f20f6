import type { RegisterRequest } from '#gen/oxo/auth/v1/auth_service.ts';
import type { User } from '#gen/oxo/user/v1/user.ts';
import type { Clock } from '#kit/clock.ts';
import { invalidFields, OxoError, unavailable } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import type { Attempts } from '../attempts/attempts.ts';
import type { KnownDevices } from '../attempts/known-devices.ts';
import type { MailCall } from '../mail/mail.ts';
import { networkOf } from '../origin/device.ts';
import type { Profiles } from '../profiles/profiles.ts';
import type { OpenedSession, Opening, Sessions } from '../sessions/sessions.ts';
import { validateRegistration } from './account-input.ts';
import type { Accounts } from './accounts.ts';
import type { PasswordSource } from './credentials.ts';
import type { Passwords } from './passwords.ts';

/** Who registers, and from where. */
export interface RegistrationSource extends PasswordSource {
  context: PasswordSource['context'] & MailCall;
}

/**
 * Makes an account with its profile and signs it in. The account is written before its profile and made active after it, so that whatever
 * a crash leaves behind is an account that the sweep finds. Email addresses are not compared: only verified ones are unique.
 * @throws OxoError VALIDATION_FAILED, HANDLE_TAKEN, HANDLE_RESERVED, RATE_LIMITED; UNAVAILABLE when too many sign in, or the user service is away
 */
export type Registration = (
  request: Omit<RegisterRequest, 'deviceToken'>,
  source: RegistrationSource,
  opening?: Pick<Opening, 'kind' | 'replaced'>,
) => Promise<{ user: User | undefined; session: OpenedSession; deviceToken: string }>;

export function createRegistration(parts: {
  accounts: Accounts;
  attempts: Attempts;
  knownDevices: KnownDevices;
  passwords: Passwords;
  profiles: Profiles;
  sessions: Sessions;
  clock: Clock;
}): Registration {
  const { accounts, attempts, knownDevices, passwords, profiles, sessions, clock } = parts;
  return async (request, { device, deviceToken, context, signal }, opening = {}) => {
    const { handle, email, password, displayName } = validateRegistration({ ...request, deviceToken });
    const network = networkOf(device.ip);
    // What becomes of it does not matter: whether a handle is taken can be asked this way, and accounts can be deleted again.
    await attempts.register(network);
    const passwordHash = await passwords.hash(password, { network, ...(signal === undefined ? {} : { signal }) });
    const account = { id: newId(clock.nowMs()), handle, displayName: displayName || handle };
    await accounts.insertPending({ ...account, email, passwordHash });

    // An error leaves the account to the sweep: the profile may or may not be there.
    const creation = await profiles.create(account, context);
    if (creation.outcome !== 'CREATED') {
      await accounts.deletePending(account.id);
      if (creation.outcome === 'REFUSED') throw invalidFields(creation.fields);
      throw creation.outcome === 'TAKEN' ? handleTaken() : handleReserved();
    }
    const session = await sessions.open(account.id, device, context, { ...opening, why: 'REGISTER' });
    if (session === undefined) throw unavailable('The account was not made. Try again.');
    return { user: creation.user, session, deviceToken: await knownDevices.remember(account.id, deviceToken) };
  };
}

function handleTaken(): OxoError {
  return new OxoError('HANDLE_TAKEN', 'This handle belongs to someone. Choose another one.');
}

/** It could be taken for OXO's own. */
function handleReserved(): OxoError {
  return new OxoError('HANDLE_RESERVED', 'Nobody can have this handle. Choose another one.');
}
