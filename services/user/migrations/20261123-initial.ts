import { Migration } from '@mikro-orm/migrations';
import { outboxTableV1 } from '#kit/events/outbox/outbox.ts';

/** Follows have no foreign keys: each would lock the user's row, and the row of a popular user by all who follow at once. */
export class Initial extends Migration {
  override up(): void {
    this.addSql(`
      create table users (
        id uuid primary key,
        handle text not null unique check (handle ~ '^[a-z0-9_]{3,30}$'),
        display_name text not null,
        bio text not null default '',
        links text[] not null default '{}',
        location text not null default '',
        locale text not null default '',
        following_count integer not null default 0 check (following_count >= 0),
        created_at_ms bigint not null,
        version bigint not null
      ) with (fillfactor = 80);
      create table follows (
        follower_id uuid not null,
        followee_id uuid not null check (followee_id <> follower_id),
        created_at_ms bigint not null,
        version bigint not null,
        primary key (follower_id, followee_id)
      );
      create index follows_by_followee on follows (followee_id, follower_id);
      create table follower_counts (
        user_id uuid not null,
        slot smallint not null,
        followers integer not null check (followers >= 0),
        primary key (user_id, slot)
      ) with (fillfactor = 80);`);
    this.addSql(outboxTableV1);
  }

  override down(): void {
    this.addSql('drop table users, follows, follower_counts, outbox; drop sequence outbox_id_seq;');
  }
}
