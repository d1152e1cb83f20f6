import type { Database } from '#kit/db/database.ts';
import type { MailKind } from '../mail/kinds.ts';
import { createMailTokens } from '../mail/mail-tokens.ts';

export interface TestMail {
  id: string;
  accountId: string | null;
  kind: MailKind;
  recipient: string;
  locale: string;
  params: Record<string, string>;
  /** What a mail with a secret carries. */
  token: string;
}

export interface TestMails {
  /** Those that were asked for, oldest first: all, or those to one address. */
  mails(recipient?: string): Promise<TestMail[]>;
}

export function createTestMails(db: Database, secrets: readonly Uint8Array[]): TestMails {
  const tokens = createMailTokens(secrets);
  return {
    async mails(recipient) {
      const rows = await db.query<Omit<TestMail, 'token'>>(
        {
          name: 'test-mails',
          text: `select id, account_id as "accountId", kind, recipient, locale, params from mails
            where recipient = coalesce($1, recipient) order by id`,
        },
        [recipient],
      );
      return rows.map((row) => ({ ...row, token: tokens.make(row.id) }));
    },
  };
}
