import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** A key pair of WebAuthn by which one signs in. */
export const PasskeyEntity = defineEntity({
  name: 'Passkey',
  tableName: 'passkeys',
  properties: {
    id: p.uuid().primary(),
    accountId: p.uuid(),
    /** The authenticator's own name of it. */
    credentialId: p.blob(),
    /** As COSE has it. */
    publicKey: p.blob(),
    /** How often it has signed, by its authenticator's count; always 0 where there is none. */
    counter: p.bigint('number'),
    transports: p.array(),
    name: p.text(),
    isBackedUp: p.boolean(),
    createdAtMs: p.bigint('number'),
    /** Null until somebody has signed in by it. */
    lastUsedAtMs: p.bigint('number').nullable(),
  },
});

/** A row of the table passkeys. */
export type PasskeyRow = InferEntity<typeof PasskeyEntity>;

/** What is shown of a passkey to whom it belongs. */
export type ListedPasskey = Pick<
  PasskeyRow,
  'id' | 'name' | 'isBackedUp' | 'transports' | 'createdAtMs' | 'lastUsedAtMs'
>;

/** The columns of a ListedPasskey. Numbers of 64 bits become JavaScript numbers. */
export const listedPasskeyColumns = () => `id, name, is_backed_up as "isBackedUp", transports,
  created_at_ms::float8 as "createdAtMs", last_used_at_ms::float8 as "lastUsedAtMs"`;
