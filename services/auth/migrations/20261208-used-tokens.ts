import { Migration } from '@mikro-orm/migrations';

/** What works once and was used: until it would not work any more in any case. */
export class UsedTokens extends Migration {
  override up(): void {
    this.addSql(`
      create table used_tokens (
        id uuid primary key,
        expires_at_ms bigint not null
      );
      create index used_tokens_by_age on used_tokens (expires_at_ms);`);
  }

  override down(): void {
    this.addSql('drop table used_tokens;');
  }
}
