import { Migration } from '@mikro-orm/migrations';

/** API keys, each with its secret, and for a while with those before. */
export class ApiKeys extends Migration {
  override up(): void {
    this.addSql(`
      create table api_keys (
        id uuid primary key,
        account_id uuid not null references accounts on delete cascade,
        name text not null check (octet_length(name) <= 240),
        scopes text[] not null,
        generation integer not null,
        created_at_ms bigint not null,
        expires_at_ms bigint not null,
        last_used_at_ms bigint,
        rotated_at_ms bigint,
        revoked_at_ms bigint
      );
      create index api_keys_by_account on api_keys (account_id, created_at_ms);
      create index api_keys_by_expiry on api_keys (expires_at_ms);

      create table api_key_secrets (
        key_id uuid not null references api_keys on delete cascade,
        generation integer not null,
        hash text not null,
        expires_at_ms bigint,
        primary key (key_id, generation)
      );`);
  }

  override down(): void {
    this.addSql('drop table api_key_secrets, api_keys;');
  }
}
