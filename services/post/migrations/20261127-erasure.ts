import { Migration } from '@mikro-orm/migrations';

/** By which the erasure of an author finds what is left besides posts. */
export class Erasure extends Migration {
  override up(): void {
    this.addSql('create index deleted_posts_by_author on deleted_posts (author_id);');
  }

  override down(): void {
    this.addSql('drop index deleted_posts_by_author;');
  }
}
