import { OxoError } from '#kit/errors.ts';
import type { KeyParts, KeyText } from '../api-keys/key-text.ts';
import { looksLikeKey } from '../api-keys/key-text.ts';

/** Longer than any that we have made. */
const MAX_CHARACTERS = 256;
const BEARER = /^bearer +([\x21-\x2d\x2f-\x7e]+)$/i;

/** What a request shows, as it came. */
export interface Shown {
  authorization: string | undefined;
  apiKey: string | undefined;
}

/** One credential of a form that we give out. */
export type Credential = { kind: 'key'; text: string; parts: KeyParts } | { kind: 'token'; text: string };

/**
 * Reads the credential of a request, by its form alone: an API key that we have not made is refused here.
 * @throws OxoError CREDENTIALS_AMBIGUOUS, API_KEY_INVALID, TOKEN_INVALID
 */
export function readCredential({ authorization, apiKey }: Shown, keyText: KeyText): Credential {
  if (apiKey !== undefined) {
    if (authorization !== undefined) {
      throw new OxoError('CREDENTIALS_AMBIGUOUS', 'Send Authorization or X-Api-Key, not both.');
    }
    const parts = apiKey.length > MAX_CHARACTERS ? undefined : keyText.decode(apiKey);
    if (parts === undefined) throw invalidKey();
    return { kind: 'key', text: apiKey, parts };
  }
  const [, token] = BEARER.exec(authorization ?? '') ?? [];
  if (token === undefined || token.length > MAX_CHARACTERS) throw invalidToken();
  if (looksLikeKey(token)) throw new OxoError('TOKEN_INVALID', 'An API key is sent as X-Api-Key.');
  return { kind: 'token', text: token };
}

/** The error of a credential that is not worth anything, whatever is wrong with it. */
export function invalidCredential(kind: Credential['kind']): OxoError {
  return kind === 'key' ? invalidKey() : invalidToken();
}

function invalidKey(): OxoError {
  return new OxoError('API_KEY_INVALID', 'The API key is not valid, has expired or was revoked.');
}

function invalidToken(): OxoError {
  return new OxoError('TOKEN_INVALID', 'The access token is not valid, has expired or was revoked.');
}
