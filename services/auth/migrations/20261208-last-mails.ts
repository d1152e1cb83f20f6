import { Migration } from '@mikro-orm/migrations';

/** The last mail of an account may be sent when the account is erased already. */
export class LastMails extends Migration {
  override up(): void {
    this.addSql('alter table mails alter column account_id drop not null;');
  }

  override down(): void {
    this.addSql('delete from mails where account_id is null; alter table mails alter column account_id set not null;');
  }
}
