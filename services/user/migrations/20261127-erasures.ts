import { Migration } from '@mikro-orm/migrations';

export class Erasures extends Migration {
  override up(): void {
    this.addSql(`
      create table erasure_confirmations (
        user_id uuid not null references deletions on delete cascade,
        service text not null,
        erased_at_ms bigint not null,
        primary key (user_id, service)
      );
      create index deletions_erased on deletions (erased_at_ms) where erased_at_ms is not null;`);
  }

  override down(): void {
    this.addSql('drop table erasure_confirmations; drop index deletions_erased;');
  }
}
