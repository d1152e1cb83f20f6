import { defineEntity, p } from '@mikro-orm/core';

export const AccountEntity = defineEntity({
  name: 'Account',
  tableName: 'accounts',
  properties: {
    id: p.uuid().primary(),
    /** Normalised. Only verified addresses are unique. */
    email: p.text(),
    emailVerifiedAtMs: p.bigint('number').nullable(),
    /** To which its owner wants to change, and has not confirmed it. */
    pendingEmail: p.text().nullable(),
    /** Argon2id in PHC string format. */
    passwordHash: p.text(),
    /** PENDING until the user service has the profile, then ACTIVE; DISABLED from its end until its erasure. */
    state: p.text(),
    /** What the profile is to be made of; null once it is there. */
    pendingHandle: p.text().nullable(),
    pendingDisplayName: p.text().nullable(),
    /** When the sweep takes up the registration; null once the account is active. */
    sweepAtMs: p.bigint('number').nullable(),
    createdAtMs: p.bigint('number'),
    /** An administrator's, by the operator's word. */
    isAdmin: p.boolean(),
    /** How often all its sessions were ended: by what somebody was let in before counts no more. */
    browserEpoch: p.integer(),
    /** What authenticators know it by (WebAuthn's user handle): random, so that it tells nobody whose it is; null before the first passkey. */
    passkeyUser: p.blob().nullable(),
  },
});
