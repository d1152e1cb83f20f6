import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '#kit/clock.ts';
import { DEFAULT_LANGUAGE, languageAccepted } from '../i18n/language.ts';
import type { MailCall } from '../mail/mail.ts';
import { deviceOfHeaders } from '../origin/device.ts';
import { requestIdOf } from './request-id.ts';

/** A request by HTTP, as the audit log and events tell of it. */
export function callOf(headers: IncomingHttpHeaders, clock: Clock): MailCall {
  const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined);
  const language = languageAccepted(headers['accept-language'] ?? '') ?? DEFAULT_LANGUAGE;
  return { requestId: requestIdOf(headers, clock), device: deviceOfHeaders(header), language };
}
