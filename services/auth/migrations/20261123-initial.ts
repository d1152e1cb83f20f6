import { Migration } from '@mikro-orm/migrations';
import { outboxTableV1 } from '#kit/events/outbox/outbox.ts';

export class Initial extends Migration {
  override up(): void {
    this.addSql(`
      create table accounts (
        id uuid primary key,
        email text not null,
        email_verified_at_ms bigint,
        password_hash text not null,
        state text not null check (state in ('PENDING', 'ACTIVE')),
        pending_handle text,
        pending_display_name text,
        sweep_at_ms bigint,
        created_at_ms bigint not null,
        check ((state = 'PENDING') = (pending_handle is not null and pending_display_name is not null and sweep_at_ms is not null))
      );
      create unique index accounts_verified_email on accounts (email) where email_verified_at_ms is not null;
      create index accounts_to_sweep on accounts (sweep_at_ms) where sweep_at_ms is not null;

      create table sessions (
        id uuid primary key,
        account_id uuid not null references accounts on delete cascade,
        family_hash bytea not null,
        current_hash bytea not null,
        previous_hash bytea,
        rotation_salt bytea,
        rotated_at_ms bigint,
        grace_used boolean not null default false,
        user_agent text not null,
        ip text not null,
        created_at_ms bigint not null,
        last_seen_at_ms bigint not null,
        expires_at_ms bigint not null
      );
      create index sessions_by_account on sessions (account_id, last_seen_at_ms);
      create index sessions_by_expiry on sessions (expires_at_ms);

      create table signing_keys (
        kid text primary key,
        state text not null check (state in ('NEXT', 'CURRENT', 'RETIRED')),
        public_jwk jsonb not null,
        private_key bytea not null,
        created_at_ms bigint not null,
        activated_at_ms bigint,
        expires_at_ms bigint,
        check ((state = 'RETIRED') = (expires_at_ms is not null))
      );
      create unique index signing_keys_one_current on signing_keys (state) where state = 'CURRENT';`);
    this.addSql(outboxTableV1);
  }

  override down(): void {
    this.addSql('drop table sessions, accounts, signing_keys, outbox; drop sequence outbox_id_seq;');
  }
}
