import type { User } from '#gen/oxo/user/v1/user.ts';
import { hasReason, OxoError } from '#kit/errors.ts';
import type { Attempts } from '../attempts/attempts.ts';
import type { KnownDevices } from '../attempts/known-devices.ts';
import type { CountedAudit } from '../audit/counted.ts';
import { normaliseEmail } from '../mail/email.ts';
import type { MailCall } from '../mail/mail.ts';
import type { SecondStep } from '../mfa/second-step.ts';
import type { Device } from '../origin/device.ts';
import { networkOf } from '../origin/device.ts';
import type { ProfileContext, Profiles } from '../profiles/profiles.ts';
import type { Proof } from '../sessions/factors.ts';
import { handleOf } from './account-input.ts';
import type { Accounts } from './accounts.ts';
import type { Passwords } from './passwords.ts';
import { tellingRefused } from './refused-sign-ins.ts';

/** Nobody has this id: asked for where there is no account, so that both take the same time. */
const NOBODYS_ID = '00000000-0000-7000-8000-000000000000';

/** Where a password comes from. */
export interface PasswordSource {
  device: Device;
  /** By which the device is known, as it came; empty for none. */
  deviceToken: string;
  context: ProfileContext & Pick<MailCall, 'metadata' | 'language'>;
  signal?: AbortSignal;
  /** The app for which it is typed at a page of ours. */
  clientId?: string;
}

/** What came of a sign-in: `entered` is undefined when the password is right, and the account needs a code besides. */
export interface SignedIn<Entered> {
  user: User;
  entered: Entered | undefined;
  /** Of the account when the password was right. */
  epoch: number;
  /** What the device is to keep: what it had, until somebody has come in. */
  deviceToken: string;
}

/** A password that was right, of an account that needs a code besides: worth nothing once the account has another epoch. */
export interface FirstStep {
  accountId: string;
  epoch: number;
}

/** By what somebody is let in: the proof, and the account's epoch when the password was right. */
export interface LetIn {
  proof: Proof;
  epoch: number;
}

/**
 * Opens what a person signs in to, and spends the proof with it. @returns undefined when the account is not there (any more), or the epoch
 * has ended
 */
export type Enter<Entered> = (account: { id: string }, by: LetIn) => Promise<Entered | undefined>;

/**
 * Looks whose identifier and password these are, and lets that person in. A wrong password and an unknown handle give the same answer after
 * the same work, as often as the limits allow; and so does an account that was ended. Of a code nothing is told before the password is right.
 */
export interface Credentials {
  /**
   * @throws OxoError CREDENTIALS_INVALID; OTP_INVALID; RATE_LIMITED; UNAVAILABLE when too many sign in at once
   */
  signIn<Entered>(
    credentials: { identifier: string; password: string; otp: string },
    source: PasswordSource,
    enter: Enter<Entered>,
  ): Promise<SignedIn<Entered>>;
  /**
   * Goes on from a password that was right, by a code.
   * @throws OxoError CREDENTIALS_INVALID when the password is not the account's any more, or was ended with its sessions; OTP_INVALID; RATE_LIMITED;
   *   UNAVAILABLE when codes of apps cannot be counted
   */
  finish<Entered>(
    step: FirstStep,
    otp: string,
    source: PasswordSource,
    enter: Enter<Entered>,
  ): Promise<{ entered: Entered | undefined; deviceToken: string }>;
}

export function createCredentials(options: {
  accounts: Pick<Accounts, 'password' | 'idOfVerifiedEmail'>;
  attempts: Attempts;
  knownDevices: KnownDevices;
  passwords: Passwords;
  profiles: Profiles;
  secondStep: SecondStep;
  counted: Pick<CountedAudit, 'add'>;
}): Credentials {
  const { accounts, attempts, knownDevices, passwords, profiles, secondStep } = options;
  const tellRefused = tellingRefused(options.counted);

  async function find(identifier: string, context: ProfileContext): Promise<User | undefined> {
    const handle = handleOf(identifier);
    if (handle !== undefined) return profiles.byHandle(handle, context);
    const email = normaliseEmail(identifier);
    const id = email === undefined ? undefined : await accounts.idOfVerifiedEmail(email);
    return email === undefined ? undefined : profiles.byId(id ?? NOBODYS_ID, context);
  }

  /** @returns undefined when a code is needed; otherwise what `enter` gives, and the token by which the device is known now */
  async function go<Entered>(
    { accountId: id, epoch }: FirstStep,
    otp: string,
    source: PasswordSource,
    enter: Enter<Entered>,
  ): Promise<{ entered: NonNullable<Entered>; deviceToken: string } | undefined> {
    const { device, deviceToken, context } = source;
    let entered: Entered | undefined;
    try {
      const proof = await secondStep.check(id, otp, source);
      if (proof === undefined) return undefined;
      entered = await enter({ id }, { proof, epoch });
    } catch (error) {
      if (hasReason(error, 'OTP_INVALID')) tellRefused(id, source, 'code');
      throw error;
    }
    if (entered === undefined || entered === null) {
      tellRefused(id, source);
      throw wrongCredentials();
    }
    return { entered, deviceToken: await knownDevices.remember(id, deviceToken, { ...context, device }, epoch) };
  }

  return {
    async signIn({ identifier, password, otp }, source, enter) {
      const { device, deviceToken, context, signal } = source;
      const user = await find(identifier, context);
      const network = networkOf(device.ip);
      const isKnown = await knownDevices.has(user?.id ?? NOBODYS_ID, deviceToken);
      const attempt = await attempts
        .login(spellingOf(identifier), network, isKnown ? deviceToken : undefined)
        .catch((error: unknown) => {
          if (hasReason(error, 'RATE_LIMITED')) tellRefused(user?.id, source, 'limit');
          throw error;
        });

      const present = await accounts.password(user?.id ?? NOBODYS_ID);
      const by = { network, ...(signal === undefined ? {} : { signal }) };
      const right = await passwords.verify(present?.passwordHash ?? passwords.decoy, password, by);
      if (!right || user === undefined || present === undefined) {
        tellRefused(user?.id, source);
        throw wrongCredentials();
      }
      const { epoch } = present;
      const gone = await go({ accountId: user.id, epoch }, otp, source, enter).catch((error: unknown) => {
        if (!hasReason(error, 'CREDENTIALS_INVALID')) attempt.giveBack();
        throw error;
      });
      attempt.giveBack();
      return { user, epoch, entered: gone?.entered, deviceToken: gone?.deviceToken ?? deviceToken };
    },
    async finish(step, otp, source, enter) {
      const gone = await go(step, otp, source, enter);
      return gone ?? { entered: undefined, deviceToken: source.deviceToken };
    },
  };
}

/** The form in which two spellings of an identifier are equal. */
function spellingOf(identifier: string): string {
  return handleOf(identifier) ?? normaliseEmail(identifier) ?? identifier.trim().toLowerCase();
}

function wrongCredentials(): OxoError {
  // The same for all: what is wrong would tell whether there is such an account.
  return new OxoError(
    'CREDENTIALS_INVALID',
    'No account has this handle and password. An email address works once it is confirmed; the handle works always.',
  );
}
