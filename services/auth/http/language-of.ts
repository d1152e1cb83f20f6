import type { IncomingHttpHeaders } from 'node:http';
import { DEFAULT_LANGUAGE, type Language, languageAccepted, languageOfTag } from '../i18n/language.ts';
import { readCookie } from './cookies.ts';

/** The cookie's name says what it is; a script could read nothing of worth in it. */
export const LANGUAGE_COOKIE = 'oxo_language';

/** The language of a request: as the person has chosen in this browser, or else as the browser asks. @param cookie name of the cookie of the choice */
export function languageOf(headers: IncomingHttpHeaders, cookie: string): Language {
  const chosen = languageOfTag(readCookie(headers, cookie) ?? '');
  return chosen ?? languageAccepted(headers['accept-language'] ?? '') ?? DEFAULT_LANGUAGE;
}
