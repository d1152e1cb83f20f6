import { z } from 'zod';
import { id, text } from '#kit/validate.ts';
import { deviceToken } from '../accounts/account-input.ts';

/** WebAuthn lets an authenticator name a credential with 1,023 bytes. */
const MAX_ID_CHARACTERS = 1_364;
const MAX_CLIENT_DATA_CHARACTERS = 4_096;
/** With the certificates that some authenticators send unasked. */
const MAX_ATTESTATION_CHARACTERS = 16_384;
const MAX_AUTHENTICATOR_DATA_CHARACTERS = 4_096;
const MAX_SIGNATURE_CHARACTERS = 1_024;
const MAX_USER_HANDLE_CHARACTERS = 128;
const MAX_TRANSPORTS = 8;
const MAX_TRANSPORT_CHARACTERS = 32;

const BASE64URL = /^[A-Za-z0-9_-]+$/;

const base64url = (maxCharacters: number) =>
  z
    .string()
    .max(maxCharacters, `must be at most ${maxCharacters} characters`)
    .regex(BASE64URL, 'must be base64url, without padding');

const name = () => text({ minCharacters: 1, maxCharacters: 60, maxBytes: 240, oneLine: true });

const attestation = z.object(
  {
    id: base64url(MAX_ID_CHARACTERS),
    response: z.object(
      {
        clientDataJSON: base64url(MAX_CLIENT_DATA_CHARACTERS),
        attestationObject: base64url(MAX_ATTESTATION_CHARACTERS),
        transports: z
          .array(
            z
              .string()
              .regex(/^[\w-]*$/, 'must be letters, digits, _ and -')
              .max(MAX_TRANSPORT_CHARACTERS, `must be at most ${MAX_TRANSPORT_CHARACTERS} characters`),
          )
          .max(MAX_TRANSPORTS, `must be at most ${MAX_TRANSPORTS}`)
          .default([]),
      },
      'must be what the authenticator has answered',
    ),
  },
  'must be the credential that the browser has made',
);

const assertion = z.object(
  {
    id: base64url(MAX_ID_CHARACTERS),
    response: z.object(
      {
        clientDataJSON: base64url(MAX_CLIENT_DATA_CHARACTERS),
        authenticatorData: base64url(MAX_AUTHENTICATOR_DATA_CHARACTERS),
        signature: base64url(MAX_SIGNATURE_CHARACTERS),
        userHandle: base64url(MAX_USER_HANDLE_CHARACTERS),
      },
      'must be what the authenticator has answered',
    ),
  },
  'must be the credential that the browser has given',
);

/** What a browser gives for CreationOptions: WebAuthn's RegistrationResponseJSON, as far as it is looked at. */
export type Attestation = z.infer<typeof attestation>;
/** What it gives for RequestOptions: WebAuthn's AuthenticationResponseJSON, likewise. */
export type Assertion = z.infer<typeof assertion>;

export const registrationInput = z.object({ name: name(), credential: attestation });
export const renameInput = z.object({ id: id(), name: name() });
export const passkeySignInInput = z.object({ credential: assertion, deviceToken: deviceToken() });

/** What somebody who is signed in shows again, in place of a password. */
export const confirmationByPasskey = z.object({
  password: z.literal('', 'must be empty beside a credential'),
  credential: assertion,
});
