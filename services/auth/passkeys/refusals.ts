import { OxoError } from '#kit/errors.ts';
import { MAX_PASSKEYS_PER_ACCOUNT } from './statements.ts';

/** The error of what no passkey of ours has signed, or not now: it is not said which. */
export function passkeyInvalid(cause?: unknown): OxoError {
  return new OxoError('PASSKEY_INVALID', 'The passkey is unknown, or what it has signed is wrong or too old.', {
    cause,
  });
}

/** The error of a passkey that is not there, or is another's. */
export function passkeyNotFound(): OxoError {
  return new OxoError('PASSKEY_NOT_FOUND', 'You have no such passkey.');
}

/** The error of one passkey too many. */
export function tooManyPasskeys(): OxoError {
  const message = `There are ${MAX_PASSKEYS_PER_ACCOUNT} passkeys, which is as many as there may be. Delete one first.`;
  return new OxoError('PASSKEY_LIMIT_REACHED', message);
}

/** The error where browsers have no passkeys. */
export function passkeysOff(): OxoError {
  return new OxoError(
    'PASSKEYS_OFF',
    'Browsers have no passkeys here: the public URL must be https with a domain, or http://localhost.',
  );
}
