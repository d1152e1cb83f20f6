import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** What an account asks for besides its password. */
export const MfaFactorEntity = defineEntity({
  name: 'MfaFactor',
  tableName: 'mfa_factors',
  properties: {
    accountId: p.uuid().primary(),
    /** TOTP is the only one. */
    kind: p.text().primary(),
    /** Encrypted by a data key. */
    secret: p.blob(),
    createdAtMs: p.bigint('number'),
    /** Null while it is being enrolled. */
    confirmedAtMs: p.bigint('number').nullable(),
    /** The last 30 seconds whose code was used; null until it is confirmed. */
    lastStep: p.bigint('number').nullable(),
  },
});

/** A row of the table mfa_factors. */
export type MfaFactorRow = InferEntity<typeof MfaFactorEntity>;
