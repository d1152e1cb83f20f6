import type { Transporter } from 'nodemailer';
import { SECOND_MS } from '#kit/clock.ts';
import { isThisMachine, type MailSender } from './mail-config.ts';

/** At most so many mails are on their way at once from one process. */
export const SMTP_CONNECTIONS = 5;
/** For each step. All together a mail takes less than its consumer waits for it. */
const STEP_TIMEOUT_MS = 8 * SECOND_MS;
const MESSAGES_OF_CONNECTION = 100;
const IDLE_MS = 30 * SECOND_MS;

export interface SmtpMail {
  /** The same again for a mail that is sent again, so that whoever has got it twice sees it once. */
  messageId: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** BCP 47. */
  language: string;
  date: Date;
}

/** Takes mails to an SMTP server. */
export interface Smtp {
  /**
   * Resolves when the server has taken the mail.
   * @throws AddressRefusedError when it takes none for this address; another Error when it may be sent again later. Neither tells the address
   */
  send(mail: SmtpMail): Promise<void>;
  close(): Promise<void>;
}

/** There is no such mailbox, or it wants no mail: another try would not help. */
export class AddressRefusedError extends Error {
  override name = 'AddressRefusedError';
}

/**
 * Opens connections when there are mails, and keeps them for a while. Whoever is not on this machine is only spoken to encrypted, and must show a certificate that counts.
 * @param options.url smtp:// (port 587, STARTTLS) or smtps:// (465), with user and password where the server wants them; `?tls=optional` after it
 *   also takes a server that cannot encrypt
 */
export function openSmtp({ url, from }: { url: string; from: MailSender }): Smtp {
  const { protocol, hostname, port, username, password, searchParams } = new URL(url);
  const secure = protocol === 'smtps:';
  const isHere = isThisMachine(hostname);
  const options = {
    pool: true as const,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: !secure && !isHere && searchParams.get('tls') !== 'optional',
    ...(isHere && !secure ? { ignoreTLS: true } : {}),
    ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    ...{ maxConnections: SMTP_CONNECTIONS, maxMessages: MESSAGES_OF_CONNECTION, idleTimeout: IDLE_MS },
    // Tries again are our affair: they are counted, and wait longer each time.
    maxRequeues: 0,
    ...{ dnsTimeout: STEP_TIMEOUT_MS, connectionTimeout: STEP_TIMEOUT_MS },
    ...{ greetingTimeout: STEP_TIMEOUT_MS, socketTimeout: STEP_TIMEOUT_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  };
  let opened: Promise<Transporter> | undefined;
  // Loaded with the first mail: it takes memory that a process which sends none need not have.
  const open = async (): Promise<Transporter> => (await import('nodemailer')).createTransport(options);

  return {
    async send({ messageId, to, subject, text, html, language, date }) {
      opened ??= open();
      const transport = await opened;
      try {
        await transport.sendMail({
          ...{ from, to: { name: '', address: to }, subject, text, html, date },
          messageId: `<${messageId}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
          // Nobody's answering machine is to answer.
          headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language },
        });
      } catch (error) {
        throw withoutAddress(error);
      }
    },
    close: async () => (await opened)?.close(),
  };
}

interface SmtpError {
  code?: unknown;
  command?: unknown;
  responseCode?: unknown;
}

/** What servers answer quotes the address; code, command and status say enough. */
function withoutAddress(error: unknown): Error {
  const { code, command, responseCode } = (error instanceof Error ? error : {}) as SmtpError;
  const what = `${String(code ?? 'unknown')}, status ${String(responseCode ?? 'none')} to ${String(command ?? 'nothing')}`;
  const isRefused = command === 'RCPT TO' && typeof responseCode === 'number' && responseCode >= 500;
  if (isRefused) return new AddressRefusedError(`the address takes no mail (${what})`);
  return new Error(`the mail was not taken (${what})`);
}
