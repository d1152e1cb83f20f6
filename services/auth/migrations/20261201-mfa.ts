import { Migration } from '@mikro-orm/migrations';

/** The second step of sign-ins, and what a session was opened with. */
export class Mfa extends Migration {
  override up(): void {
    this.addSql(`
      create table data_keys (
        id uuid primary key,
        key bytea not null,
        created_at_ms bigint not null
      );

      create table mfa_factors (
        account_id uuid not null references accounts on delete cascade,
        kind text not null check (kind in ('TOTP')),
        secret bytea not null check (octet_length(secret) <= 1024),
        created_at_ms bigint not null,
        confirmed_at_ms bigint,
        last_step bigint,
        primary key (account_id, kind),
        check ((confirmed_at_ms is null) = (last_step is null))
      );

      create table recovery_codes (
        account_id uuid not null references accounts on delete cascade,
        code_hash bytea not null,
        primary key (account_id, code_hash)
      );

      alter table sessions
        add column factors text[] not null default array['PASSWORD'] check (cardinality(factors) <= 8),
        add column confirmed_at_ms bigint;`);
  }

  override down(): void {
    this.addSql(`
      alter table sessions drop column factors, drop column confirmed_at_ms;
      drop table recovery_codes, mfa_factors, data_keys;`);
  }
}
