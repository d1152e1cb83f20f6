import { Migration } from '@mikro-orm/migrations';

/** Clients of OAuth by when they were used last: those of the past are forgotten. */
export class ClientUse extends Migration {
  override up(): void {
    this.addSql('create index oauth_clients_by_use on oauth_clients ((coalesce(used_at_ms, created_at_ms)));');
  }

  override down(): void {
    this.addSql('drop index oauth_clients_by_use;');
  }
}
