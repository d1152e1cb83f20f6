import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Database } from '#kit/db/database.ts';
import { NotYet, PermanentError } from '#kit/events/consumers/handlers.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { type OutgoingMail, outgoingColumns } from '../entities/mail-entity.ts';
import { DEFAULT_LANGUAGE, languageOfTag } from '../i18n/language.ts';
import type { ProfileContext, Profiles } from '../profiles/profiles.ts';
import { composeMail } from './compose.ts';
import { hasSecret, isMailKind, type MailKind } from './kinds.ts';
import { createMailMetrics } from './mail-metrics.ts';
import type { MailTokens } from './mail-tokens.ts';
import { AddressRefusedError, type Smtp } from './smtp.ts';

/** As long as one try may take: who dies meanwhile has the mail sent by another one after it. */
const LEASE_MS = MINUTE_MS;

/** Values: mail, now, until when it is this process's. */
const CLAIM = {
  name: 'mail-claim',
  text: `update mails set sending_until_ms = $3
    where id = $1 and settled_at_ms is null and coalesce(sending_until_ms, 0) <= $2 returning ${outgoingColumns()}`,
};
/** Of one that could not be claimed and was not sent. */
const FIND_LEASE = {
  name: 'mail-find-lease',
  text: 'select sending_until_ms::float8 as "untilMs" from mails where id = $1 and settled_at_ms is null',
};
const RELEASE = { name: 'mail-release', text: 'update mails set sending_until_ms = null where id = $1' };
/** The last mail of an account that was erased has kept an address until now: nothing needs it any more. */
const SETTLE = {
  name: 'mail-settle',
  text: `update mails set settled_at_ms = $2, sending_until_ms = null,
      expires_at_ms = case when account_id is null then $2 else expires_at_ms end where id = $1`,
};
const CLEAN_UP = defineCleanUp({ name: 'mails-clean-up', table: 'mails', where: 'expires_at_ms <= $1' });

export interface Sending {
  /**
   * Sends a mail, unless it was sent, erased, or is of no use any more. A kill between the server's word and ours repeats it, under the same Message-ID.
   * @throws NotYet while another process is at it; PermanentError for a kind that this code does not know; an Error when it is to be tried again
   */
  send(mailId: string, context: ProfileContext): Promise<void>;
  /** Forgets mails whose time is over, with their addresses, in short statements. */
  cleanUp(): Promise<number>;
}

export interface SendingOptions {
  db: Database;
  profiles: Pick<Profiles, 'byId'>;
  tokens: MailTokens;
  /** Undefined: whoever wants to send finds none. */
  smtp: Smtp | undefined;
  /** Our address, as people reach it. */
  publicUrl: string;
  metrics: Metrics;
  clock: Clock;
}

export function createSending({ db, profiles, tokens, smtp, publicUrl, metrics, clock }: SendingOptions): Sending {
  const count = createMailMetrics(metrics);

  async function claim(mailId: string): Promise<OutgoingMail | undefined> {
    const nowMs = clock.nowMs();
    const [mail] = await db.query<OutgoingMail>(CLAIM, [mailId, nowMs, nowMs + LEASE_MS]);
    if (mail !== undefined) return mail;
    const [lease] = await db.query<{ untilMs: number | null }>(FIND_LEASE, [mailId]);
    if (lease !== undefined) throw new NotYet(Math.max(1, (lease.untilMs ?? nowMs) - nowMs));
    return undefined;
  }

  /** The person's own language counts; without a profile, that of the request. */
  async function take(kind: MailKind, mail: OutgoingMail, context: ProfileContext): Promise<void> {
    if (smtp === undefined) throw new Error('there is no SMTP server (MAIL_SMTP_URL)');
    const user = mail.accountId ? await profiles.byId(mail.accountId, context) : undefined;
    const language = languageOfTag(user?.locale ?? '') ?? languageOfTag(mail.locale) ?? DEFAULT_LANGUAGE;
    const token = hasSecret(kind) ? tokens.make(mail.id) : '';
    const { createdAtMs, params } = mail;
    const composed = composeMail({ kind, language, handle: user?.handle ?? '', createdAtMs, params, token, publicUrl });
    const date = new Date(mail.createdAtMs);
    await smtp.send({ ...composed, messageId: mail.id, to: mail.recipient, language, date });
  }

  async function settle(kind: MailKind, mail: OutgoingMail, context: ProfileContext) {
    if (mail.expiresAtMs <= clock.nowMs()) return 'EXPIRED';
    try {
      await take(kind, mail, context);
      return 'SENT';
    } catch (error) {
      // There is nobody to tell: the person who gave the address does not get a mail, and will look at it.
      if (error instanceof AddressRefusedError) return 'REFUSED';
      count(kind, 'FAILED');
      await db.query(RELEASE, [mail.id]);
      throw error;
    }
  }

  return {
    async send(mailId, context) {
      const mail = await claim(mailId);
      if (mail === undefined) return;
      if (!isMailKind(mail.kind)) throw new PermanentError(`mails of the kind ${mail.kind} are not known here`);
      const outcome = await settle(mail.kind, mail, context);
      await db.query(SETTLE, [mailId, clock.nowMs()]);
      count(mail.kind, outcome);
    },
    cleanUp: () => cleanUp(db, CLEAN_UP, [clock.nowMs()]),
  };
}
