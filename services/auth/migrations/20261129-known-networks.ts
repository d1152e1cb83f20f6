import { Migration } from '@mikro-orm/migrations';

export class KnownNetworks extends Migration {
  override up(): void {
    this.addSql(`
      create table known_networks (
        account_id uuid not null references accounts on delete cascade,
        network_hash bytea not null,
        last_seen_at_ms bigint not null,
        primary key (account_id, network_hash)
      );
      create index known_networks_by_age on known_networks (last_seen_at_ms);`);
  }

  override down(): void {
    this.addSql('drop table known_networks;');
  }
}
