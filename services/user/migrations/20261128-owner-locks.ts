import { Migration } from '@mikro-orm/migrations';
import { lockViewV1 } from '#kit/db/owner-lock.ts';

/** Locks that no other service can take. */
export class OwnerLocks extends Migration {
  override up(): void {
    this.addSql(lockViewV1('relay_lock'));
    this.addSql(lockViewV1('erasure_lock'));
  }

  override down(): void {
    this.addSql('drop view erasure_lock, relay_lock;');
  }
}
