import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';

/** So many are kept; the oldest go first. */
export const maxMails = 500;

/** A mail that was caught, without its body. */
export type MailSummary = {
  readonly id: string;
  /** When it was caught, ISO 8601. */
  readonly at: string;
  readonly from: string;
  /** Those to whom the sender gave it, whatever its header says. */
  readonly to: readonly string[];
  readonly subject: string;
};

export type CaughtMail = MailSummary & {
  readonly messageId: string;
  readonly text: string;
  readonly html: string;
};

export type Mailbox = {
  /** Keeps a mail; it is in its file when this returns. */
  readonly keep: (raw: Buffer, to: readonly string[]) => Promise<void>;
  /** The newest first. @param recipient only those to this address */
  readonly list: (recipient?: string) => readonly MailSummary[];
  readonly read: (id: string) => Promise<CaughtMail | undefined>;
  /** As it came; undefined when there is none. */
  readonly raw: (id: string) => Buffer | undefined;
};

const idPattern = /^\d{13}-[0-9a-f]{8}$/;
const suffix = '.eml';
/** The first line of a file: to whom the mail was given. */
const envelopeHeader = 'X-Caught-To: ';

/** The mails in a folder. A process that dies has kept what it has taken. */
export async function openMailbox(folder: string, nowMs: () => number): Promise<Mailbox> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mails = new Map<string, MailSummary>();
  const pathOf = (id: string): string => join(folder, `${id}${suffix}`);

  async function parse(id: string, file: Buffer): Promise<CaughtMail> {
    const end = file.indexOf('\r\n');
    const to = file.subarray(envelopeHeader.length, end).toString().split(', ');
    const { from, subject = '', text = '', html = '', messageId = '' } = await PostalMime.parse(file);
    const at = new Date(Number(id.slice(0, 13))).toISOString();
    return { id, at, from: from?.address ?? '', to, subject, messageId, text, html };
  }

  async function add(id: string, file: Buffer): Promise<void> {
    const { text: _text, html: _html, messageId: _messageId, ...summary } = await parse(id, file);
    mails.set(id, summary);
    while (mails.size > maxMails) {
      const [oldest = ''] = mails.keys();
      mails.delete(oldest);
      rmSync(pathOf(oldest), { force: true });
    }
  }

  for (const name of readdirSync(folder).toSorted()) {
    const id = name.slice(0, -suffix.length);
    if (idPattern.test(id)) await add(id, readFileSync(join(folder, name)));
    else rmSync(join(folder, name), { force: true });
  }

  const find = (id: string): Buffer | undefined => (mails.has(id) ? readFileSync(pathOf(id)) : undefined);
  return {
    async keep(raw, to) {
      const id = `${String(nowMs()).padStart(13, '0')}-${randomBytes(4).toString('hex')}`;
      const file = Buffer.concat([Buffer.from(`${envelopeHeader}${to.join(', ')}\r\n`), raw]);
      writeFileSync(`${pathOf(id)}.new`, file, { mode: 0o600 });
      renameSync(`${pathOf(id)}.new`, pathOf(id));
      await add(id, file);
    },
    list: (recipient) =>
      [...mails.values()].filter(({ to }) => recipient === undefined || to.includes(recipient)).reverse(),
    async read(id) {
      const file = find(id);
      return file === undefined ? undefined : await parse(id, file);
    },
    raw: find,
  };
}
