import { Migration } from '@mikro-orm/migrations';

/** Since when each key-encryption key is in use: a vault that this process holds itself does not know. */
export class EncryptionKeys extends Migration {
  override up(): void {
    this.addSql(`
      create table encryption_keys (
        key_id text primary key,
        first_used_at_ms bigint not null
      );`);
  }

  override down(): void {
    this.addSql('drop table encryption_keys;');
  }
}
