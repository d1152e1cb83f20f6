import { Migration } from '@mikro-orm/migrations';

/** Both lists of people around a user, newest follow first. */
export class FollowLists extends Migration {
  override up(): void {
    this.addSql(`
      create index follows_newest_followers on follows (followee_id, created_at_ms desc, follower_id desc);
      create index follows_newest_followees on follows (follower_id, created_at_ms desc, followee_id desc);`);
  }

  override down(): void {
    this.addSql('drop index follows_newest_followers, follows_newest_followees;');
  }
}
