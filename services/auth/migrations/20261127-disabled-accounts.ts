import { Migration } from '@mikro-orm/migrations';

/** An account that was ended waits for its erasure. */
export class DisabledAccounts extends Migration {
  override up(): void {
    this.addSql(`alter table accounts drop constraint accounts_state_check,
      add constraint accounts_state_check check (state in ('PENDING', 'ACTIVE', 'DISABLED'));`);
  }

  override down(): void {
    // Their tokens have expired by then, and nothing else is left of them.
    this.addSql(`delete from accounts where state = 'DISABLED';
      alter table accounts drop constraint accounts_state_check,
      add constraint accounts_state_check check (state in ('PENDING', 'ACTIVE'));`);
  }
}
