import { defineEntity, p } from '@mikro-orm/core';

/** A network from which somebody has signed in to an account. */
export const KnownNetworkEntity = defineEntity({
  name: 'KnownNetwork',
  tableName: 'known_networks',
  properties: {
    accountId: p.uuid().primary(),
    /** Keyed hash of it: nobody reads here from where somebody signs in. */
    networkHash: p.blob().primary(),
    lastSeenAtMs: p.bigint('number'),
  },
});
