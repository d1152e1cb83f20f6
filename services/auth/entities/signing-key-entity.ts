import { defineEntity, p } from '@mikro-orm/core';

export const SigningKeyEntity = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_keys',
  properties: {
    kid: p.text().primary(),
    /** NEXT: published, does not sign yet. CURRENT: signs; there is one. RETIRED: verifies until it expires. */
    state: p.text(),
    publicJwk: p.json(),
    /** PKCS #8, encrypted by the key vault. */
    privateKey: p.blob(),
    createdAtMs: p.bigint('number'),
    activatedAtMs: p.bigint('number').nullable(),
    /** When the last token that it signed has expired; null before it is retired. */
    expiresAtMs: p.bigint('number').nullable(),
  },
});
