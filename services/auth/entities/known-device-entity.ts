import { defineEntity, p } from '@mikro-orm/core';

/** A device on which somebody has signed in to an account. */
export const KnownDeviceEntity = defineEntity({
  name: 'KnownDevice',
  tableName: 'known_devices',
  properties: {
    accountId: p.uuid().primary(),
    /** SHA-256 of account and token: nobody reads here what opens anything, nor whose accounts are used on one device. */
    deviceHash: p.blob().primary(),
    lastSeenAtMs: p.bigint('number'),
  },
});
