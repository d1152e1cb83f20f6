/** What the tests of the kit's database parts share: a schema with a counter, an outbox and idempotency keys. */
import { defineEntity, p } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { idempotencyTableSql } from '#kit/db/idempotency.ts';
import type { NamedMigration } from '#kit/db/migrations.ts';
import { outboxTableSql } from '#kit/events/outbox.ts';

export const ThingEntity = defineEntity({
  name: 'Thing',
  tableName: 'things',
  properties: { id: p.uuid().primary(), name: p.text(), atMs: p.bigint('number'), note: p.text().nullable() },
});

class Initial extends Migration {
  override up(): void {
    this.addSql('create table things (id uuid primary key, name text not null, at_ms bigint not null, note text)');
    this.addSql(outboxTableSql);
    this.addSql(idempotencyTableSql);
  }

  override down(): void {
    this.addSql('drop table things, outbox, idempotency_keys; drop sequence outbox_id_seq;');
  }
}

export const entities = [ThingEntity];
export const migrations: NamedMigration[] = [{ name: '20260101-initial', class: Initial }];

export const INSERT_THING = {
  name: 'test-insert-thing',
  text: 'insert into things (id, name, at_ms) values ($1, $2, $3)',
};
export const COUNT_THINGS = { name: 'test-count-things', text: 'select count(*)::float8 as count from things' };
