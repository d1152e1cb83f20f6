import { Migration } from '@mikro-orm/migrations';

/** What people have said about clients; from now on no grant is made without it. */
export class Consents extends Migration {
  override up(): void {
    this.addSql(`
      create table consents (
        account_id uuid not null references accounts on delete cascade,
        client_id text not null references oauth_clients on delete cascade,
        granted text[] not null check (cardinality(granted) <= 64),
        refused text[] not null check (cardinality(refused) <= 64),
        first_at_ms bigint not null,
        last_at_ms bigint not null,
        expires_at_ms bigint not null,
        revoked_at_ms bigint,
        revoked_grants text[] check (cardinality(revoked_grants) <= 1000),
        primary key (account_id, client_id)
      );
      create index consents_by_client on consents (client_id);
      create index consents_by_expiry on consents (expires_at_ms);`);
    this.addSql(`
      insert into consents (account_id, client_id, granted, refused, first_at_ms, last_at_ms, expires_at_ms)
      select distinct on (account_id, client_id) account_id, client_id,
        string_to_array(coalesce(payload->'openid'->>'scope', ''), ' '),
        string_to_array(coalesce(payload->'rejected'->'openid'->>'scope', ''), ' '),
        created_at_ms, created_at_ms, expires_at_ms
      from oauth_grants order by account_id, client_id, created_at_ms desc;`);
  }

  override down(): void {
    this.addSql('drop table consents;');
  }
}
