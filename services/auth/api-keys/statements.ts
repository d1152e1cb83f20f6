import { defineCleanUp } from '#kit/db/clean-up.ts';
import type { ApiKeyRow } from '../entities/api-key-entity.ts';

/** Keys that work; the list shows all of them. */
export const MAX_KEYS_PER_ACCOUNT = 25;
/** The newest, and those before whose overlap is not over. */
export const MAX_SECRETS_PER_KEY = 5;

export type ListedKey = Pick<
  ApiKeyRow,
  'id' | 'name' | 'scopes' | 'createdAtMs' | 'expiresAtMs' | 'lastUsedAtMs' | 'rotatedAtMs'
>;
const LISTED_COLUMNS = `id, name, scopes, created_at_ms::float8 as "createdAtMs", expires_at_ms::float8 as "expiresAtMs",
  last_used_at_ms::float8 as "lastUsedAtMs", rotated_at_ms::float8 as "rotatedAtMs"`;

export const COUNT = {
  name: 'api-key-count',
  text: `select count(*)::int as count from api_keys where account_id = $1 and expires_at_ms > $2 and revoked_at_ms is null`,
};
export const INSERT = {
  name: 'api-key-insert',
  text: `insert into api_keys (id, account_id, name, scopes, generation, created_at_ms, expires_at_ms)
    values ($1, $2, $3, $4, 1, $5, $6)`,
};
export const INSERT_SECRET = {
  name: 'api-key-secret-insert',
  text: 'insert into api_key_secrets (key_id, generation, hash) values ($1, $2, $3)',
};
export const LIST = {
  name: 'api-key-list',
  text: `select ${LISTED_COLUMNS} from api_keys where account_id = $1 and expires_at_ms > $2 and revoked_at_ms is null
    order by created_at_ms desc, id desc limit ${MAX_KEYS_PER_ACCOUNT}`,
};
export const LOCK = {
  name: 'api-key-lock',
  text: `select generation from api_keys
    where id = $1 and account_id = $2 and expires_at_ms > $3 and revoked_at_ms is null for update`,
};
export const REVOKE = {
  name: 'api-key-revoke',
  text: `update api_keys set revoked_at_ms = coalesce(revoked_at_ms, $3), expires_at_ms = least(expires_at_ms, $4)
    where id = $1 and account_id = $2 returning 1`,
};
export const LIVING_SECRETS = {
  name: 'api-key-secrets-living',
  text: `select generation from api_key_secrets where key_id = $1 and (expires_at_ms is null or expires_at_ms > $2)`,
};
export const DELETE_SECRETS = { name: 'api-key-secrets-delete', text: 'delete from api_key_secrets where key_id = $1' };
export const DELETE_ENDED_SECRETS = {
  name: 'api-key-secrets-delete-ended',
  text: 'delete from api_key_secrets where key_id = $1 and expires_at_ms <= $2',
};
/** What an earlier rotation has promised stays. */
export const END_SECRETS = {
  name: 'api-key-secrets-end',
  text: `update api_key_secrets set expires_at_ms = coalesce(expires_at_ms, $2) where key_id = $1`,
};
export const ROTATE = {
  name: 'api-key-rotate',
  text: `update api_keys set generation = $2, rotated_at_ms = $3, expires_at_ms = coalesce($4, expires_at_ms)
    where id = $1 returning ${LISTED_COLUMNS}`,
};
export const FIND = {
  name: 'api-key-find',
  text: `select key.account_id as "accountId", key.scopes, secret.hash,
      least(key.expires_at_ms, secret.expires_at_ms)::float8 as "expiresAtMs"
    from api_key_secrets secret join api_keys key on key.id = secret.key_id
      join accounts on accounts.id = key.account_id and accounts.state = 'ACTIVE'
    where secret.key_id = $1 and secret.generation = $2 and key.revoked_at_ms is null
      and least(key.expires_at_ms, secret.expires_at_ms) > $3`,
};
/** One of several replicas writes it. */
export const TOUCH = {
  name: 'api-key-touch',
  text: `update api_keys set last_used_at_ms = $2
    where id = $1 and (last_used_at_ms is null or last_used_at_ms <= $3)`,
};
/** A rotation that is under way is waited for, so that the next statement sees its secret. */
export const LOCK_ALL = {
  name: 'api-keys-lock-of-account',
  text: 'select 1 from api_keys where account_id = $1 order by id for update',
};
export const DELETE_OF_ACCOUNT = {
  name: 'api-keys-delete-of-account',
  text: `with secrets as (select key_id, array_agg(generation) as generations from api_key_secrets
        where key_id in (select id from api_keys where account_id = $1) group by key_id)
    delete from api_keys where account_id = $1
    returning id, account_id as "accountId",
      coalesce((select generations from secrets where key_id = api_keys.id), '{}') as generations`,
};
export const CLEAN_UP = defineCleanUp({ name: 'api-keys-clean-up', table: 'api_keys', where: 'expires_at_ms <= $1' });
