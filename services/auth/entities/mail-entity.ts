import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** A mail that is to be sent, or was; gone when what it says no longer counts. */
export const MailEntity = defineEntity({
  name: 'Mail',
  tableName: 'mails',
  properties: {
    /** Also its Message-ID, and what the secret in it is made from. */
    id: p.uuid().primary(),
    /** Null when it is the last mail of an account that was erased before it could be sent. */
    accountId: p.uuid().nullable(),
    kind: p.text(),
    /** The address, normalised. */
    recipient: p.text(),
    /** Of the request; the person's own is asked for when it is sent. */
    locale: p.text(),
    params: p.json().$type<Record<string, string>>(),
    createdAtMs: p.bigint('number'),
    /** From then on it is neither sent nor does its secret count, and the row is deleted. */
    expiresAtMs: p.bigint('number'),
    /** So long it is the affair of the process that sends it. */
    sendingUntilMs: p.bigint('number').nullable(),
    /** It was sent, or is not going to be. */
    settledAtMs: p.bigint('number').nullable(),
    /** Its secret was used, or counts no more. */
    usedAtMs: p.bigint('number').nullable(),
  },
});

/** A row of the table mails. */
export type MailRow = InferEntity<typeof MailEntity>;

/** What has to be known of a mail to send it. */
export type OutgoingMail = Pick<
  MailRow,
  'id' | 'accountId' | 'kind' | 'recipient' | 'locale' | 'params' | 'createdAtMs' | 'expiresAtMs'
>;

/** The columns of an OutgoingMail. Numbers of 64 bits become JavaScript numbers. */
export const outgoingColumns = () => `id, account_id as "accountId", kind, recipient, locale, params,
  created_at_ms::float8 as "createdAtMs", expires_at_ms::float8 as "expiresAtMs"`;
