import { Migration } from '@mikro-orm/migrations';

/** Devices take the place of networks, which neighbours share. */
export class KnownDevices extends Migration {
  override up(): void {
    this.addSql(`
      create table known_devices (
        account_id uuid not null references accounts on delete cascade,
        device_hash bytea not null,
        last_seen_at_ms bigint not null,
        primary key (account_id, device_hash)
      );
      create index known_devices_by_age on known_devices (last_seen_at_ms);
      drop table known_networks;`);
  }

  override down(): void {
    this.addSql(`
      create table known_networks (
        account_id uuid not null references accounts on delete cascade,
        network_hash bytea not null,
        last_seen_at_ms bigint not null,
        primary key (account_id, network_hash)
      );
      create index known_networks_by_age on known_networks (last_seen_at_ms);
      drop table known_devices;`);
  }
}
