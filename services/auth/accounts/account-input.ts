import { z } from 'zod';
import type { RegisterRequest } from '#gen/oxo/auth/v1/auth_service.ts';
import { text, validate } from '#kit/validate.ts';
import { MAX_EMAIL_BYTES, normaliseEmail } from '../mail/email.ts';
import { weaknessOf } from './password-policy.ts';

export const MAX_HANDLE_CHARACTERS = 30;
const HANDLE = new RegExp(`^[a-z0-9_]{3,${MAX_HANDLE_CHARACTERS}}$`);
export const MAX_DISPLAY_NAME_CHARACTERS = 60;
const MIN_PASSWORD_CHARACTERS = 10;
export const MAX_PASSWORD_CHARACTERS = 256;
const MAX_PASSWORD_BYTES = 1_024;
export const MAX_OTP_CHARACTERS = 64;

export const handle = () => z.string().regex(HANDLE, `must be 3 to ${MAX_HANDLE_CHARACTERS} of a-z, 0-9 and _`);

/** An email address, normalised. */
export const email = () =>
  z.string().transform((value, context) => {
    const address = normaliseEmail(value);
    if (address !== undefined) return address;
    context.addIssue({ code: 'custom', message: `must be an email address of at most ${MAX_EMAIL_BYTES} bytes` });
    return z.NEVER;
  });

const password = (minCharacters: number) =>
  text({ minCharacters, maxCharacters: MAX_PASSWORD_CHARACTERS, maxBytes: MAX_PASSWORD_BYTES });

/** What is none of ours is no device that anybody knows. */
export const deviceToken = () => text({ maxCharacters: 256, maxBytes: 256 });
/** What was typed as a code: of an app, or a recovery code. Empty for none. */
const otp = () => text({ maxCharacters: MAX_OTP_CHARACTERS, maxBytes: MAX_OTP_CHARACTERS });

/** The same where there must be one. */
export const requiredOtp = () =>
  text({ minCharacters: 1, maxCharacters: MAX_OTP_CHARACTERS, maxBytes: MAX_OTP_CHARACTERS });

/** Made for each request, because whether a password is weak depends on the other fields. */
const registration = (request: RegisterRequest) =>
  z.object({
    handle: handle(),
    email: email(),
    password: newPassword().superRefine((value, context) => {
      const weakness = weaknessOf(value, { handle: request.handle, email: request.email });
      if (weakness !== undefined) context.addIssue({ code: 'custom', message: weakness });
    }),
    displayName: z
      .string()
      .transform((value) => value.trim())
      .pipe(text({ maxCharacters: MAX_DISPLAY_NAME_CHARACTERS, maxBytes: 240, visible: true, oneLine: true })),
    deviceToken: deviceToken(),
  });

export type Registration = z.infer<ReturnType<typeof registration>>;

/** Checks a registration. @throws OxoError VALIDATION_FAILED naming all that is wrong */
export function validateRegistration(request: RegisterRequest): Registration {
  return validate(registration(request), request);
}

/** A password that is to be one; whether it is weak is looked at where its owner is known. */
export const newPassword = () => password(MIN_PASSWORD_CHARACTERS);

/** A password as somebody types it to show who they are. */
export const typedPassword = () => password(1);

/** What a mail carries. */
export const mailedToken = () => text({ minCharacters: 1, maxCharacters: 256, maxBytes: 256, visible: true });

/** Of a handle, or an email address. */
export const MAX_IDENTIFIER_BYTES = MAX_EMAIL_BYTES;

/** What a login needs to be worth looking at. */
export const loginInput = z.object({
  identifier: text({ minCharacters: 1, maxCharacters: MAX_IDENTIFIER_BYTES, maxBytes: MAX_IDENTIFIER_BYTES }),
  password: typedPassword(),
  deviceToken: deviceToken(),
  otp: otp(),
});

/** What somebody who is signed in shows again. */
export const confirmationInput = z.object({ password: typedPassword(), otp: otp() });

/** The handle that the identifier of a login is; undefined when it cannot be one. */
export function handleOf(identifier: string): string | undefined {
  const candidate = identifier.trim().toLowerCase();
  return HANDLE.test(candidate) ? candidate : undefined;
}
