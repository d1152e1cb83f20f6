import { Migration } from '@mikro-orm/migrations';

/** A refresh token of a client has one successor, which it gives once more in its grace. */
export class OauthRotation extends Migration {
  override up(): void {
    this.addSql(`alter table oauth_artifacts
      add column rotation_salt bytea, add column grace_used boolean not null default false;`);
  }

  override down(): void {
    this.addSql('alter table oauth_artifacts drop column rotation_salt, drop column grace_used;');
  }
}
