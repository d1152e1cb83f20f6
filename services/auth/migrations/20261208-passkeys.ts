import { Migration } from '@mikro-orm/migrations';

/** Passkeys, and what authenticators know an account by. */
export class Passkeys extends Migration {
  override up(): void {
    this.addSql(`
      alter table accounts add column passkey_user bytea unique check (octet_length(passkey_user) <= 64);

      create table passkeys (
        id uuid primary key,
        account_id uuid not null references accounts on delete cascade,
        credential_id bytea not null unique check (octet_length(credential_id) <= 1023),
        public_key bytea not null check (octet_length(public_key) <= 1024),
        counter bigint not null,
        transports text[] not null check (cardinality(transports) <= 8),
        name text not null,
        is_backed_up boolean not null,
        created_at_ms bigint not null,
        last_used_at_ms bigint
      );
      create index passkeys_by_account on passkeys (account_id, created_at_ms);`);
  }

  override down(): void {
    this.addSql(`
      drop table passkeys;
      alter table accounts drop column passkey_user;`);
  }
}
