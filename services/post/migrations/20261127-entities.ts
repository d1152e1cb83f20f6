import { Migration } from '@mikro-orm/migrations';

/** What the text of a post names, and where. Null for nothing, so no row is written anew. */
export class Entities extends Migration {
  override up(): void {
    this.addSql('alter table posts add column entities jsonb;');
  }

  override down(): void {
    this.addSql('alter table posts drop column entities;');
  }
}
