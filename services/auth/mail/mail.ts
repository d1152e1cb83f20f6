import { type Clock, HOUR_MS } from '#kit/clock.ts';
import type { Transaction } from '#kit/db/database.ts';
import { insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { newId } from '#kit/ids.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { type AuditedCall, originOf } from '../audit/audit-log.ts';
import { mailQueued } from '../events.ts';
import { DEFAULT_LANGUAGE, type Language, languageAccepted } from '../i18n/language.ts';
import { BOUNDS, type MailKind } from './kinds.ts';
import { createMailMetrics } from './mail-metrics.ts';

const MAX_PARAM_CHARACTERS = 256;
/** More than there can be. */
const UNBOUNDED = 1_000_000;

/** Values: id, account, kind, recipient, locale, params, now, expiry, since when they are counted, how many there may be. */
const INSERT = {
  name: 'mail-insert',
  text: `insert into mails (id, account_id, kind, recipient, locale, params, created_at_ms, expires_at_ms)
    select $1, $2, $3, $4, $5, $6, $7, $8
    where (select count(*) from (select 1 from mails where recipient = $4 and kind = $3 and created_at_ms > $9 limit $10) as recent) < $10
    returning 1`,
};
/** As above, without the account: that of the owner of the address. */
const INSERT_TO_OWNER = {
  name: 'mail-insert-to-owner',
  text: `insert into mails (id, account_id, kind, recipient, locale, params, created_at_ms, expires_at_ms)
    select $1, accounts.id, $2, email, $4, $5, $6, $7 from accounts
    where email = $3 and email_verified_at_ms is not null and state = 'ACTIVE'
      and (select count(*) from (select 1 from mails where recipient = $3 and kind = $2 and created_at_ms > $8 limit $9) as recent) < $9
    returning account_id as "accountId"`,
};
const VERIFIED_ADDRESS = {
  name: 'mail-verified-address',
  text: 'select email from accounts where id = $1 and email_verified_at_ms is not null',
};

export interface NewMail {
  kind: MailKind;
  accountId: string;
  /** The address, normalised. */
  to: string;
  /** What the texts of its kind fill in. */
  params?: Readonly<Record<string, string>>;
  /** However many of its kind went to the address within the hour: of what others cannot cause. */
  isAlwaysTold?: boolean;
}

/** The call that a mail is written for. */
export type MailCall = AuditedCall & {
  /** The language of the page that the person sees; by default that of the request's Accept-Language. */
  language?: Language;
};

/**
 * Mails to people. A mail is a row and an event of the transaction in which its reason happens: it is sent after that (`auth-mail`), again and again until an
 * SMTP server has taken it, and never if the transaction fails. Nobody waits for it.
 */
export interface Mail {
  /** An address that gets too many of a kind in an hour (`BOUNDS`) gets no more, and nobody is told; but `isAlwaysTold`. */
  queue(tx: Transaction, mail: NewMail, call: MailCall): Promise<void>;
  /**
   * Writes to whoever has verified the address. Where nobody has, the same is done but for the row, so that time does not tell: then the event leads to no mail.
   * @returns the owner; undefined when there is none, or gets no more
   */
  queueToOwner(tx: Transaction, mail: Omit<NewMail, 'accountId'>, call: MailCall): Promise<string | undefined>;
  /**
   * Tells the owner of an account what has happened to it, when and from where. Only a verified address is told: another one may be somebody else's.
   * @param notice.to a verified address that is the account's no more
   */
  notify(tx: Transaction, notice: Omit<NewMail, 'to'> & { to?: string }, call: MailCall): Promise<void>;
}

export function createMail(options: { outbox: Pick<Outbox, 'row'>; metrics: Metrics; clock: Clock }): Mail {
  const { outbox, clock } = options;
  const count = createMailMetrics(options.metrics);

  async function queue(tx: Transaction, newMail: NewMail, call: MailCall): Promise<void> {
    const { kind, accountId, to, params, isAlwaysTold = false } = newMail;
    const { id, values, counted } = valuesOf(kind, params, call);
    const bound = isAlwaysTold ? [counted[0], UNBOUNDED] : counted;
    const inserted = await tx.query(INSERT, [id, accountId, kind, to, ...values, ...bound]);
    if (inserted.length === 0) return count(kind, 'LIMITED');
    await insertEvent(tx, outbox.row(mailQueued, { mailId: id }, call));
    count(kind, 'QUEUED');
  }

  function valuesOf(kind: MailKind, params: NewMail['params'], call: MailCall) {
    const { lifetimeMs, perHour } = BOUNDS[kind];
    const nowMs = clock.nowMs();
    return {
      id: newId(nowMs),
      values: [languageOf(call), JSON.stringify(bounded(params ?? {})), nowMs, nowMs + lifetimeMs],
      counted: [nowMs - HOUR_MS, perHour],
    };
  }

  return {
    queue,
    async queueToOwner(tx, { kind, to, params }, call) {
      const { id, values, counted } = valuesOf(kind, params, call);
      const [inserted] = await tx.query<{ accountId: string }>(INSERT_TO_OWNER, [id, kind, to, ...values, ...counted]);
      await insertEvent(tx, outbox.row(mailQueued, { mailId: id }, call));
      if (inserted !== undefined) count(kind, 'QUEUED');
      return inserted?.accountId;
    },
    async notify(tx, { to, params, ...notice }, call) {
      const address = to ?? (await tx.query<{ email: string }>(VERIFIED_ADDRESS, [notice.accountId]))[0]?.email;
      if (address === undefined) return;
      const { network, userAgent } = originOf(call);
      await queue(tx, { ...notice, to: address, params: { ...params, network, userAgent } }, call);
    },
  };
}

function languageOf({ language, metadata }: MailCall): Language {
  const header = metadata?.get('accept-language');
  return language ?? languageAccepted(typeof header === 'string' ? header : '') ?? DEFAULT_LANGUAGE;
}

function bounded(params: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(params).map(([name, value]) => [name, value.slice(0, MAX_PARAM_CHARACTERS)]);
  return Object.fromEntries(entries);
}
