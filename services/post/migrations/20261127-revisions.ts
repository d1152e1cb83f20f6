import { Migration } from '@mikro-orm/migrations';

/**
 * The texts that posts have had. They go with their post, however it is deleted. The foreign key costs no lock that an edit does not hold
 * already. What was edited before has no history: its present text counts as its first.
 */
export class Revisions extends Migration {
  override up(): void {
    this.addSql(`
      create table post_revisions (
        post_id uuid not null references posts (id) on delete cascade,
        number smallint not null,
        text text not null,
        entities jsonb,
        replaced_at_ms bigint not null,
        primary key (post_id, number)
      );`);
  }

  override down(): void {
    this.addSql('drop table post_revisions;');
  }
}
