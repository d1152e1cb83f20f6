import { defineEntity, p } from '@mikro-orm/core';

export const OAuthClientEntity = defineEntity({
  name: 'OAuthClient',
  tableName: 'oauth_clients',
  properties: {
    id: p.text().primary(),
    /** SHA-256 of the secret, which has 512 bits; null for a client that can keep none. */
    secretHash: p.blob().nullable(),
    /** What was registered (RFC 7591), without the secret. */
    metadata: p.json(),
    createdAtMs: p.bigint('number'),
    /** When it was last given a token, to the day; null: never. */
    usedAtMs: p.bigint('number').nullable(),
  },
});
