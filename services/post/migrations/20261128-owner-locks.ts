import { Migration } from '@mikro-orm/migrations';
import { lockViewV1 } from '#kit/db/owner-lock.ts';

/** The relay's lock, which no other service can take. */
export class OwnerLocks extends Migration {
  override up(): void {
    this.addSql(lockViewV1('relay_lock'));
  }

  override down(): void {
    this.addSql('drop view relay_lock;');
  }
}
