import { isIP } from 'node:net';
import { type Html, html, render } from '../html/html.ts';
import type { Language } from '../i18n/language.ts';
import { knownDeviceName } from '../origin/device-name.ts';
import { hasSecret, type MailKind } from './kinds.ts';
import { MAIL_TEXTS, type MailFacts, type Part } from './texts/texts.ts';

/** Pages to which mails lead, below our address. */
const LEADS_TO: Readonly<Record<MailKind, string>> = {
  VERIFY_EMAIL: '/verify',
  EMAIL_IN_USE: '/signin',
  RESET_PASSWORD: '/reset',
  PASSWORD_CHANGED: '/forgot',
  EMAIL_CHANGE_ASKED: '/keep-email',
  EMAIL_CHANGED: '/signin',
  NEW_DEVICE: '/forgot',
  MFA_CHANGED: '/forgot',
  NEW_APP: '/account',
  ACCOUNT_DELETED: '/',
};

/** Signs that could make a link, or the end of a sentence of ours, of a name that an app has given itself. */
const NO_LETTER = /[^\p{L}\p{M}\p{N} &'()+,_-]+/gu;

export interface MailToCompose {
  kind: MailKind;
  language: Language;
  /** Empty when the account has none any more. */
  handle: string;
  /** When its reason happened. */
  createdAtMs: number;
  params: Readonly<Record<string, string>>;
  /** Of a kind that has one. */
  token: string;
  /** Our address, as people reach it. */
  publicUrl: string;
}

export interface ComposedMail {
  subject: string;
  text: string;
  html: string;
}

/** The same mail as text and as HTML: no picture, nothing from elsewhere, and readable in light and dark. */
export function composeMail(mail: MailToCompose): ComposedMail {
  const { kind, language, handle } = mail;
  const texts = MAIL_TEXTS[language];
  const { subject, parts } = texts.kinds[kind](factsOf(mail));
  const greeting = texts.greeting(handle);
  return {
    subject,
    text: `${[greeting, ...parts.map(asText), `-- \n${texts.footer}`].join('\n\n')}\n`,
    html: render(document(language, subject, [greeting, ...parts], texts.footer)),
  };
}

function factsOf({ kind, language, createdAtMs, params, token, publicUrl }: MailToCompose): MailFacts {
  const { network = '', userAgent = '', app = '', ...others } = params;
  const link = `${publicUrl}${LEADS_TO[kind]}${hasSecret(kind) ? `?token=${token}` : ''}`;
  return {
    link,
    account: `${publicUrl}/account`,
    at: timeText(createdAtMs, language),
    // Of IPv6 it is the first half of an address.
    network: isIP(network) === 0 && !/^[\da-f:]+$/.test(network) ? '' : network,
    device: knownDeviceName(userAgent),
    params: { ...others, app: app.replace(NO_LETTER, ' ').replace(/ +/g, ' ').trim() },
  };
}

function timeText(timeMs: number, language: Language): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return `${format.format(timeMs)} UTC`;
}

function asText(part: Part): string {
  if (typeof part === 'string') return part;
  if ('link' in part) return `${part.label}:\n${part.link}`;
  return part.facts.map(([name, value]) => `${name}: ${value}`).join('\n');
}

function asHtml(part: Part): Html {
  if (typeof part === 'string')
    return html`<p>${part}</p>
`;
  if ('facts' in part) {
    return html`<p>${part.facts.map(([name, value]) => html`<strong>${name}:</strong> ${value}<br>`)}</p>
`;
  }
  return html`<p><a href="${part.link}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1d4ed8;color:#ffffff;text-decoration:none">${part.label}</a></p>
<p style="font-size:14px;overflow-wrap:anywhere"><a href="${part.link}">${part.link}</a></p>
`;
}

function document(language: Language, subject: string, parts: readonly Part[], footer: string): Html {
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${subject}</title>
</head>
<body style="margin:0 auto;padding:24px 16px;max-width:36rem;font:16px/1.5 system-ui,sans-serif">
<h1 style="font-size:22px;line-height:1.3">${subject}</h1>
${parts.map(asHtml)}
<p style="font-size:14px;border-top:1px solid;padding-top:12px">${footer}</p>
</body>
</html>
`;
}
