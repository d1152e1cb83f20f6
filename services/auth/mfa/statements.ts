import type { MfaFactorRow } from '../entities/mfa-factor-entity.ts';

/** What enrolling has to know of a factor. */
export type EnrolmentRow = Pick<MfaFactorRow, 'secret' | 'createdAtMs' | 'confirmedAtMs'>;

export const BEGIN = {
  name: 'mfa-begin',
  text: `insert into mfa_factors (account_id, kind, secret, created_at_ms) values ($1, 'TOTP', $2, $3)
    on conflict (account_id, kind) do update set secret = excluded.secret, created_at_ms = excluded.created_at_ms
      where mfa_factors.confirmed_at_ms is null
    returning 1`,
};
export const FIND = {
  name: 'mfa-find',
  text: `select secret, created_at_ms::float8 as "createdAtMs", confirmed_at_ms::float8 as "confirmedAtMs"
    from mfa_factors where account_id = $1 and kind = 'TOTP'`,
};
/** What its owner is shown. */
export const STATE = {
  name: 'mfa-state',
  text: `select (select confirmed_at_ms::float8 from mfa_factors where account_id = $1 and kind = 'TOTP') as "totpSinceMs",
    (select count(*)::int from recovery_codes where account_id = $1) as "recoveryCodesLeft",
    (select count(*)::int from passkeys where account_id = $1) as passkeys`,
};
export interface StateRow {
  totpSinceMs: number | null;
  recoveryCodesLeft: number;
  passkeys: number;
}
/** What a sign-in to an account has to ask for besides; nothing of one that was ended. */
export const FIND_TOTP = {
  name: 'mfa-find-totp',
  text: `select factor.secret from mfa_factors factor join accounts on accounts.id = factor.account_id and accounts.state <> 'DISABLED'
    where factor.account_id = $1 and factor.kind = 'TOTP' and factor.confirmed_at_ms is not null`,
};
export const CONFIRM = {
  name: 'mfa-confirm',
  text: `update mfa_factors set confirmed_at_ms = $2, last_step = $3 where account_id = $1 and kind = 'TOTP'`,
};
export const DELETE = {
  name: 'mfa-delete',
  text: `delete from mfa_factors where account_id = $1 and kind = 'TOTP' returning confirmed_at_ms is not null as "isConfirmed"`,
};
/** Values: the account, the step, the secret that its code was made of. */
export const SPEND_STEP = {
  name: 'mfa-spend-step',
  text: `update mfa_factors set last_step = $2
    where account_id = $1 and kind = 'TOTP' and last_step < $2 and secret = $3 returning 1`,
};
export const SPEND_CODE = {
  name: 'mfa-spend-code',
  text: 'delete from recovery_codes where account_id = $1 and code_hash = $2 returning 1',
};
export const DELETE_CODES = {
  name: 'mfa-delete-codes',
  text: 'delete from recovery_codes where account_id = $1',
};
export const INSERT_CODES = {
  name: 'mfa-insert-codes',
  text: 'insert into recovery_codes (account_id, code_hash) select $1, unnest($2::bytea[])',
};
export const COUNT_PASSKEYS = {
  name: 'mfa-count-passkeys',
  text: 'select count(*)::int as count from passkeys where account_id = $1',
};
export const DELETE_PASSKEYS = {
  name: 'mfa-delete-passkeys',
  text: 'delete from passkeys where account_id = $1 returning 1',
};
