import { defineEntity, p } from '@mikro-orm/core';

export const ConsentEntity = defineEntity({
  name: 'Consent',
  tableName: 'consents',
  properties: {
    accountId: p.uuid().primary(),
    clientId: p.text().primary(),
    /** Scopes that the client may have, of all that it has asked for so far. */
    granted: p.array(),
    /** Scopes that the person has unticked: not asked for again, and not in any token. */
    refused: p.array(),
    firstAtMs: p.bigint('number'),
    lastAtMs: p.bigint('number'),
    /** Then the person is asked anew, and no grant lives longer; of one that was revoked, when its row goes. */
    expiresAtMs: p.bigint('number'),
    revokedAtMs: p.bigint('number').nullable(),
    /** The grants that ended with it, so that who asks for its end again is answered when they are refused everywhere. */
    revokedGrants: p.array().nullable(),
  },
});
