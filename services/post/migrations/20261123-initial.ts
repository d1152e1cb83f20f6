import { Migration } from '@mikro-orm/migrations';
import { idempotencyTableV1 } from '#kit/db/idempotency.ts';
import { outboxTableV1 } from '#kit/events/outbox/outbox.ts';

export class Initial extends Migration {
  override up(): void {
    this.addSql(`
      create table posts (
        id uuid primary key,
        author_id uuid not null,
        text text not null,
        visibility smallint not null,
        published_at_ms bigint not null,
        edited_at_ms bigint,
        version bigint not null
      );
      create index posts_by_author on posts (author_id, published_at_ms desc, id desc);
      -- Their ids, for a day: a repeated delete is told from one of a post that never existed.
      create table deleted_posts (
        id uuid primary key,
        author_id uuid not null,
        deleted_at_ms bigint not null
      );
      create index deleted_posts_by_time on deleted_posts (deleted_at_ms);`);
    this.addSql(outboxTableV1);
    this.addSql(idempotencyTableV1);
  }

  override down(): void {
    this.addSql('drop table posts, deleted_posts, outbox, idempotency_keys; drop sequence outbox_id_seq;');
  }
}
