import { Migration } from '@mikro-orm/migrations';

/** OAuth: its clients, what people have granted them, and what the provider has issued. */
export class Oauth extends Migration {
  override up(): void {
    this.addSql(`
      create table oauth_clients (
        id text primary key check (octet_length(id) <= 64),
        secret_hash bytea,
        metadata jsonb not null check (octet_length(metadata::text) <= 65536),
        created_at_ms bigint not null,
        used_at_ms bigint
      );
      create index oauth_clients_unused on oauth_clients (created_at_ms) where used_at_ms is null;

      create table oauth_grants (
        id text primary key check (octet_length(id) <= 64),
        client_id text not null references oauth_clients on delete cascade,
        account_id uuid not null references accounts on delete cascade,
        payload jsonb not null check (octet_length(payload::text) <= 16384),
        created_at_ms bigint not null,
        expires_at_ms bigint not null
      );
      create index oauth_grants_by_account on oauth_grants (account_id, client_id, created_at_ms);
      create index oauth_grants_by_client on oauth_grants (client_id);
      create index oauth_grants_by_expiry on oauth_grants (expires_at_ms);

      create table oauth_artifacts (
        id_hash bytea primary key,
        kind text not null check (octet_length(kind) <= 32),
        client_id text references oauth_clients on delete cascade,
        account_id uuid references accounts on delete cascade,
        grant_id text references oauth_grants on delete cascade,
        uid text check (octet_length(uid) <= 64),
        user_code_hash bytea,
        payload jsonb not null check (octet_length(payload::text) <= 65536),
        consumed_at_ms bigint,
        expires_at_ms bigint not null
      );
      create index oauth_artifacts_by_grant on oauth_artifacts (grant_id) where grant_id is not null;
      create index oauth_artifacts_by_account on oauth_artifacts (account_id) where account_id is not null;
      create index oauth_artifacts_by_client on oauth_artifacts (client_id) where client_id is not null;
      create index oauth_artifacts_by_uid on oauth_artifacts (uid) where uid is not null;
      create unique index oauth_artifacts_by_user_code on oauth_artifacts (user_code_hash) where user_code_hash is not null;
      create index oauth_artifacts_by_expiry on oauth_artifacts (expires_at_ms);`);
  }

  override down(): void {
    this.addSql('drop table oauth_artifacts, oauth_grants, oauth_clients;');
  }
}
