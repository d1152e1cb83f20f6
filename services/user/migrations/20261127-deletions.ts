import { Migration } from '@mikro-orm/migrations';

export class Deletions extends Migration {
  override up(): void {
    this.addSql(`
      create table deletions (
        user_id uuid primary key,
        handle text unique,
        deleted_at_ms bigint not null,
        version bigint not null,
        graph_erased_at_ms bigint,
        erased_at_ms bigint
      );
      -- Few rows at any time: reads of counts and follows look here for edges that count no more.
      create index deletions_with_graph on deletions (user_id) where graph_erased_at_ms is null;
      create index deletions_to_erase on deletions (deleted_at_ms) where erased_at_ms is null;`);
  }

  override down(): void {
    this.addSql('drop table deletions;');
  }
}
