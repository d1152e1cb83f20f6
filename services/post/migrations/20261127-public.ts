import { Migration } from '@mikro-orm/migrations';

/** The public posts of all, newest first. */
export class Public extends Migration {
  override up(): void {
    this.addSql('create index posts_public on posts (published_at_ms desc, id desc) where visibility = 1;');
  }

  override down(): void {
    this.addSql('drop index posts_public;');
  }
}
