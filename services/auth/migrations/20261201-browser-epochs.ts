import { Migration } from '@mikro-orm/migrations';

/** How often all browsers of an account were signed out: a sign-in from before is worth nothing after. */
export class BrowserEpochs extends Migration {
  override up(): void {
    this.addSql('alter table accounts add column browser_epoch integer not null default 0;');
  }

  override down(): void {
    this.addSql('alter table accounts drop column browser_epoch;');
  }
}
