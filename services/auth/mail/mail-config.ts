import { z } from 'zod';
import { setting } from '#kit/process/config.ts';
import { normaliseEmail } from '../accounts/email.ts';

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
  MAIL_FROM: sender().default({ name: 'OXO', address: 'no-reply@localhost.localdomain' }),
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

/** The settings under the names that the code uses. */
export function mailConfig(read: z.infer<z.ZodObject<typeof mailSettings>>): MailConfig {
  return { smtpUrl: read.MAIL_SMTP_URL, from: read.MAIL_FROM };
}
