import { Migration } from '@mikro-orm/migrations';

/** Administrators: accounts that the operator has made such, and the sessions that they have opened since. */
export class Admin extends Migration {
  override up(): void {
    this.addSql(`
      alter table accounts add column is_admin boolean not null default false;
      create index accounts_admins on accounts (id) where is_admin;
      alter table sessions add column is_admin boolean not null default false;`);
  }

  override down(): void {
    this.addSql(`
      alter table sessions drop column is_admin;
      alter table accounts drop column is_admin;`);
  }
}
