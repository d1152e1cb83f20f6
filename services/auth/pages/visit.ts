import type { IncomingMessage } from 'node:http';
import { cookieName } from '../http/cookies.ts';
import { LANGUAGE_COOKIE, languageOf } from '../http/language-of.ts';
import type { HttpExchange } from '../http/server.ts';
import type { Language } from '../i18n/language.ts';
import type { MailCall } from '../mail/mail.ts';
import { isOwnAddress } from './own-addresses.ts';
import { TEXTS, type Texts } from './texts/texts.ts';

/** A look of a person at a page: what every page has to know of the request. */
export interface Visit {
  language: Language;
  texts: Texts;
  /** Address of the page, to come back to when another language was chosen; undefined when that would not show it again. */
  here: string | undefined;
}

/** @param here where it is not simply what was asked for, as after a form was posted */
export function visitOf(
  { method, headers, url = '' }: Pick<IncomingMessage, 'method' | 'headers' | 'url'>,
  issuer: string,
  here = method === 'GET' ? url : url.replace(/\?.*/s, ''),
): Visit {
  const language = languageOf(headers, cookieName(issuer, LANGUAGE_COOKIE));
  return { language, texts: TEXTS[language], here: isOwnAddress(here) ? here : undefined };
}

/** What is done at a page, as the audit log and mails tell of it: mails in the language of the page. */
export function callOfVisit({ requestId, device }: HttpExchange, { language }: Visit): MailCall {
  return { requestId, device, language };
}
