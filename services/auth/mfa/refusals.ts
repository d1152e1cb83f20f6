import { OxoError } from '#kit/errors.ts';

/** The error of a code that is wrong, too old, or was used: it is not said which. */
export function otpInvalid(): OxoError {
  return new OxoError('OTP_INVALID', 'The code is wrong, too old, or was used already.');
}

/** The error of an account without an authenticator app, or without one that is being enrolled. */
export function mfaNotEnrolled(): OxoError {
  return new OxoError(
    'MFA_NOT_ENROLLED',
    'The account has no authenticator app, or its enrolment is too old. Begin it again.',
  );
}

/** The error of an account that has an authenticator app. */
export function mfaAlreadyEnrolled(): OxoError {
  return new OxoError('MFA_ALREADY_ENROLLED', 'The account has an authenticator app already. Remove it first.');
}
