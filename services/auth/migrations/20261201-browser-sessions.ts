import { Migration } from '@mikro-orm/migrations';

/** Which sessions are those of browsers at our own pages. */
export class BrowserSessions extends Migration {
  override up(): void {
    this.addSql(`alter table sessions add column kind text not null default 'APP' check (kind in ('APP', 'BROWSER'));`);
  }

  override down(): void {
    // Without the column their cookies would be refresh tokens.
    this.addSql(`delete from sessions where kind = 'BROWSER'; alter table sessions drop column kind;`);
  }
}
