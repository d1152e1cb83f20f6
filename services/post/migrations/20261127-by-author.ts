import { Migration } from '@mikro-orm/migrations';

/** The posts of an author by time, with who may see them: a list of several authors' posts still reads nothing but the index. */
export class ByAuthor extends Migration {
  override up(): void {
    this.addSql(`
      create index posts_by_author_seen on posts (author_id, published_at_ms desc, id desc) include (visibility);
      drop index posts_by_author;
      alter index posts_by_author_seen rename to posts_by_author;`);
  }

  override down(): void {
    this.addSql(`
      create index posts_by_author_only on posts (author_id, published_at_ms desc, id desc);
      drop index posts_by_author;
      alter index posts_by_author_only rename to posts_by_author;`);
  }
}
