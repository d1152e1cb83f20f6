import { Migration } from '@mikro-orm/migrations';

/** Authors with so many followers that their posts are not pushed. There are few. */
export class PulledAuthors extends Migration {
  override up(): void {
    this.addSql(`
      create table pulled_authors (
        user_id uuid primary key,
        state smallint not null,
        version bigint not null
      );`);
  }

  override down(): void {
    this.addSql('drop table pulled_authors;');
  }
}
