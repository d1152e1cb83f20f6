import { defineEntity, p } from '@mikro-orm/core';

export const OAuthGrantEntity = defineEntity({
  name: 'OAuthGrant',
  tableName: 'oauth_grants',
  properties: {
    /** Also the session id of the tokens that it is exchanged for. Nobody can do anything with it alone. */
    id: p.text().primary(),
    clientId: p.text(),
    accountId: p.uuid(),
    /** The provider's own: the scopes that were granted and rejected. */
    payload: p.json(),
    createdAtMs: p.bigint('number'),
    expiresAtMs: p.bigint('number'),
  },
});
