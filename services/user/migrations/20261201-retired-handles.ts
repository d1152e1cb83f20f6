import { Migration } from '@mikro-orm/migrations';

/** Handles that deleted users had, which nobody gets again. */
export class RetiredHandles extends Migration {
  override up(): void {
    this.addSql(`
      create table retired_handles (
        handle_hash bytea primary key,
        retired_at_ms bigint not null
      );`);
  }

  override down(): void {
    this.addSql('drop table retired_handles;');
  }
}
