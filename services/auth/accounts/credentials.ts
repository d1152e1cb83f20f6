import type { User } from '#gen/oxo/user/v1/user.ts';
import { MINUTE_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import type { Attempts } from '../attempts/attempts.ts';
import type { KnownNetworks } from '../attempts/known-networks.ts';
import { rateLimited } from '../attempts/taking.ts';
import { NOBODY as NO_ACTOR } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import type { Device } from '../sessions/device.ts';
import { networkOf } from '../sessions/device.ts';
import { handleOf } from './account-input.ts';
import type { Accounts } from './accounts.ts';
import { normaliseEmail } from './email.ts';
import type { Passwords } from './passwords.ts';
import type { ProfileContext, Profiles } from './profiles.ts';

/** Nobody has this id: asked for where there is no account, so that both take the same time. */
const NOBODY = '00000000-0000-7000-8000-000000000000';
const UNKNOWN_NETWORK_RETRY_MS = MINUTE_MS;

/** Where a password comes from. */
export interface PasswordSource {
  device: Device;
  context: ProfileContext;
  signal?: AbortSignal;
}

/**
 * Looks whose identifier and password these are, and lets that person in. A wrong password and an unknown handle give the same answer after
 * the same work, as often as the limits allow; and so does an account that was ended.
 */
export interface Credentials {
  /**
   * @param enter opens what the person signs in to; undefined when the account is not there (any more)
   * @throws OxoError CREDENTIALS_INVALID; RATE_LIMITED; UNAVAILABLE when too many sign in at once
   */
  signIn<Entered>(
    credentials: { identifier: string; password: string },
    source: PasswordSource,
    enter: (user: User) => Promise<Entered | undefined>,
  ): Promise<{ user: User; entered: Entered }>;
}

export function createCredentials(options: {
  accounts: Pick<Accounts, 'passwordHash' | 'idOfVerifiedEmail'>;
  attempts: Attempts;
  knownNetworks: KnownNetworks;
  passwords: Passwords;
  profiles: Profiles;
  counted: Pick<CountedAudit, 'add'>;
}): Credentials {
  const { accounts, attempts, knownNetworks, passwords, profiles, counted } = options;

  async function find(identifier: string, context: ProfileContext): Promise<User | undefined> {
    const handle = handleOf(identifier);
    if (handle !== undefined) return profiles.byHandle(handle, context);
    const email = normaliseEmail(identifier);
    const id = email === undefined ? undefined : await accounts.idOfVerifiedEmail(email);
    return email === undefined ? undefined : profiles.byId(id ?? NOBODY, context);
  }

  return {
    async signIn({ identifier, password }, { device, context, signal }, enter) {
      const user = await find(identifier, context);
      const network = networkOf(device.ip);
      const attempt = await attempts.login(user?.id ?? identifier.trim().toLowerCase(), network);
      const networkHash = attempts.hashOf(network);
      if (attempt.onlyFromKnownNetworks && !(await knownNetworks.has(user?.id ?? NOBODY, networkHash)))
        throw rateLimited(UNKNOWN_NETWORK_RETRY_MS);

      const passwordHash = user === undefined ? undefined : await accounts.passwordHash(user.id);
      const by = { network, ...(signal === undefined ? {} : { signal }) };
      const right = await passwords.verify(passwordHash ?? passwords.decoy, password, by);
      const entered = right && user !== undefined ? await enter(user) : undefined;
      if (user === undefined || entered === undefined) {
        // Nobody waits for it, so that the answer takes as long whether there is an account or not.
        counted.add(
          { action: 'SIGN_IN', outcome: 'REFUSED', accountId: user?.id, actor: NO_ACTOR },
          { requestId: context.requestId, device },
        );
        throw wrongCredentials();
      }
      attempt.giveBack();
      await knownNetworks.add(user.id, networkHash);
      return { user, entered };
    },
  };
}

function wrongCredentials(): OxoError {
  return new OxoError('CREDENTIALS_INVALID', 'No account has this handle and password.');
}
