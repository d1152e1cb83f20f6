import { Migration } from '@mikro-orm/migrations';

/** Mails that wait to be sent, and were sent; and the address that a person changes to. */
export class Mails extends Migration {
  override up(): void {
    this.addSql(`
      alter table accounts add column pending_email text;
      create table mails (
        id uuid primary key,
        account_id uuid not null references accounts on delete cascade,
        kind text not null,
        recipient text not null check (octet_length(recipient) <= 254),
        locale text not null,
        params jsonb not null,
        created_at_ms bigint not null,
        expires_at_ms bigint not null,
        sending_until_ms bigint,
        settled_at_ms bigint,
        used_at_ms bigint
      );
      create index mails_by_account on mails (account_id, kind, created_at_ms);
      create index mails_by_recipient on mails (recipient, kind, created_at_ms);
      create index mails_by_expiry on mails (expires_at_ms);`);
  }

  override down(): void {
    this.addSql('drop table mails; alter table accounts drop column pending_email;');
  }
}
