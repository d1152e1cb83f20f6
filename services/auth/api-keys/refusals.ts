import { OxoError } from '#kit/errors.ts';

/** The error of a key that is not there, or is another's. */
export function apiKeyNotFound(): OxoError {
  return new OxoError('API_KEY_NOT_FOUND', 'You have no such API key.');
}
