import { type ListedPasskey, listedPasskeyColumns, type PasskeyRow } from '../entities/passkey-entity.ts';

export const MAX_PASSKEYS_PER_ACCOUNT = 20;

/** What the authenticators of an account are told. */
export type HeldPasskey = Pick<PasskeyRow, 'credentialId' | 'transports'>;

/** A passkey as a sign-in has to know it. */
export interface SignInPasskey extends Pick<PasskeyRow, 'id' | 'accountId' | 'publicKey' | 'counter'> {
  /** Of the account. */
  passkeyUser: Buffer;
  epoch: number;
}

/** Values: the account, what it is known by if it is known by nothing yet. */
export const USER = {
  name: 'passkey-user',
  text: `update accounts set passkey_user = coalesce(passkey_user, $2) where id = $1 and state = 'ACTIVE'
    returning passkey_user as "passkeyUser"`,
};
export const HELD = {
  name: 'passkey-held',
  text: `select credential_id as "credentialId", transports from passkeys where account_id = $1 limit ${MAX_PASSKEYS_PER_ACCOUNT}`,
};
export const LIST = {
  name: 'passkey-list',
  text: `select ${listedPasskeyColumns()} from passkeys where account_id = $1
    order by created_at_ms desc, id desc limit ${MAX_PASSKEYS_PER_ACCOUNT}`,
};
/** Whosever it is. */
export const FIND_CREDENTIAL = {
  name: 'passkey-find-credential',
  text: `select account_id as "accountId", ${listedPasskeyColumns()} from passkeys where credential_id = $1`,
};
export type FoundPasskey = ListedPasskey & Pick<PasskeyRow, 'accountId'>;
export const INSERT = {
  name: 'passkey-insert',
  text: `insert into passkeys (id, account_id, credential_id, public_key, counter, transports, name, is_backed_up, created_at_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (credential_id) do nothing returning ${listedPasskeyColumns()}`,
};
export const RENAME = {
  name: 'passkey-rename',
  text: `update passkeys set name = $3 where id = $1 and account_id = $2 returning ${listedPasskeyColumns()}`,
};
export const DELETE = {
  name: 'passkey-delete',
  text: 'delete from passkeys where id = $1 and account_id = $2 returning 1',
};
/** What a sign-in goes by; nothing of an account that was ended. */
export const FIND_TO_SIGN_IN = {
  name: 'passkey-find-to-sign-in',
  text: `select passkeys.id, account_id as "accountId", public_key as "publicKey", counter::float8, passkey_user as "passkeyUser",
      browser_epoch as epoch
    from passkeys join accounts on accounts.id = account_id and accounts.state <> 'DISABLED' where credential_id = $1`,
};
/** Values: the passkey, its counter now, whether it is backed up, now. An authenticator that does not count says 0 always. */
export const USE = {
  name: 'passkey-use',
  text: `update passkeys set counter = $2, is_backed_up = $3, last_used_at_ms = $4
    where id = $1 and (counter < $2 or (counter = 0 and $2 = 0)) returning 1`,
};
