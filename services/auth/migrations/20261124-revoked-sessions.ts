import { Migration } from '@mikro-orm/migrations';

export class RevokedSessions extends Migration {
  override up(): void {
    this.addSql('alter table sessions add column revoked_at_ms bigint;');
  }

  override down(): void {
    // Without the column they would live again.
    this.addSql(
      'delete from sessions where revoked_at_ms is not null; alter table sessions drop column revoked_at_ms;',
    );
  }
}
