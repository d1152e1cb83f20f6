import { Migration } from '@mikro-orm/migrations';

/** Posts of authors with many followers: they are pulled by the readers instead of being pushed to them. */
export class Pulled extends Migration {
  override up(): void {
    this.addSql(`
      alter table posts add column pulled boolean not null default false;
      create index posts_pulled on posts (author_id, published_at_ms desc, id desc) where pulled;`);
  }

  override down(): void {
    this.addSql('alter table posts drop column pulled;');
  }
}
