import { isIP } from 'node:net';
import { z } from 'zod';
import { ConfigError, setting } from '#kit/process/config.ts';
import { normaliseEmail } from './email.ts';

/** Such as `OXO <no-reply@oxo.example>`. */
const SENDER = /^([^<>"\r\n]{1,100}?)\s*<([^<>\s]+)>$/;

const sender = () =>
  z.string().transform((text, context): MailSender => {
    const [, name = '', address = ''] = SENDER.exec(text.trim()) ?? [];
    if (normaliseEmail(address) !== undefined) return { name: name.trim(), address };
    context.addIssue({ code: 'custom', message: 'must be a name and an email address: OXO <no-reply@oxo.example>' });
    return z.NEVER;
  });

/** What mails need. Without an SMTP server they wait. */
export const mailSettings = {
  MAIL_SMTP_URL: setting.url('smtp', 'smtps').optional(),
  MAIL_FROM: sender().optional(),
};

/** From whom mails come. */
export interface MailSender {
  name: string;
  address: string;
}

export interface MailConfig {
  /** Undefined: mails wait until there is one. */
  smtpUrl: string | undefined;
  from: MailSender;
}

/** Of a machine that sends nothing on: no address elsewhere must look like it. */
const LOCAL_SENDER: MailSender = { name: 'OXO', address: 'no-reply@localhost.localdomain' };

/**
 * The settings under the names that the code uses.
 * @throws ConfigError when mails go to a server elsewhere and nobody has said from whom
 */
export function mailConfig(read: z.infer<z.ZodObject<typeof mailSettings>>): MailConfig {
  const { MAIL_SMTP_URL: smtpUrl, MAIL_FROM: from } = read;
  if (from === undefined && smtpUrl !== undefined && !isThisMachine(new URL(smtpUrl).hostname))
    throw new ConfigError(['MAIL_FROM: is not set, and MAIL_SMTP_URL leads to another machine']);
  return { smtpUrl, from: from ?? LOCAL_SENDER };
}

/** Whether a host of a URL is this machine by its own name or address. */
export function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}
