/**
 * The audit log lies in a schema of its own, whose owner no service can be: the owner of a schema may drop whatever lies in it. An operator's set-up
 * runs this as that owner.
 */
export const AUDIT_SCHEMA = 'audit';

/** All but `at_ms`, which is Postgres's own: whoever writes can't write into the past. */
const WRITTEN = `id, action, outcome, account_id, actor_kind, actor_id, session_id, key_id, client_id, network, user_agent,
  request_id, details`;

/** Makes the log, where it is not there yet. One that is released never changes; what comes later is added behind it. */
export const AUDIT_TABLE_V1 = `
  create table audit.log (
    id uuid primary key,
    at_ms bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
    action text not null check (action ~ '^[A-Z][A-Z_]{0,63}$'),
    outcome text not null check (outcome in ('SUCCEEDED', 'REFUSED')),
    account_id uuid,
    actor_kind text not null check (actor_kind in ('PERSON', 'CLIENT', 'SERVICE', 'OPERATOR', 'NOBODY')),
    actor_id text not null check (octet_length(actor_id) <= 64),
    session_id text not null check (octet_length(session_id) <= 64),
    key_id text not null check (octet_length(key_id) <= 64),
    client_id text not null check (octet_length(client_id) <= 64),
    network text not null check (octet_length(network) <= 64),
    user_agent text not null check (octet_length(user_agent) <= 1024),
    request_id text not null check (octet_length(request_id) <= 128),
    details jsonb not null check (octet_length(details::text) <= 1024)
  );
  create index log_by_time on audit.log (at_ms, id);
  create index log_by_account on audit.log (account_id, at_ms, id) where account_id is not null;
  create index log_by_action on audit.log (action, at_ms, id);
  create index log_refused on audit.log (at_ms, id) where outcome = 'REFUSED';
  create index log_with_addresses on audit.log (at_ms) where network <> '' or user_agent <> '';

  create table audit.retention (
    one boolean primary key default true check (one),
    kept_days integer not null default 400 check (kept_days between 1 and 3650),
    addresses_kept_days integer not null default 30 check (addresses_kept_days between 1 and 3650)
  );
  insert into audit.retention default values;`;

/** What takes away what is older than the operator has it kept. Each time anew. Whoever may call it can name neither entries nor times. */
export const AUDIT_PRUNING = `
  create or replace function audit.prune() returns integer language sql security definer set search_path = audit, pg_temp as $$
    with limits as materialized (
      select (extract(epoch from clock_timestamp()) * 1000)::bigint - kept_days * 86400000::bigint as kept_from,
        (extract(epoch from clock_timestamp()) * 1000)::bigint - addresses_kept_days * 86400000::bigint as addresses_from
      from audit.retention),
    old as (
      delete from audit.log where ctid in (select ctid from audit.log
        where at_ms < (select kept_from from limits) order by at_ms limit 5000 for update skip locked) returning 1),
    blank as (
      update audit.log set network = '', user_agent = '' where ctid in (select ctid from audit.log
        where (network <> '' or user_agent <> '') and at_ms < (select addresses_from from limits)
          and at_ms >= (select kept_from from limits) order by at_ms limit 5000 for update skip locked) returning 1)
    select (select count(*) from old)::integer + (select count(*) from blank)::integer
  $$;
  revoke all on function audit.prune() from public;`;

/** Statements that let a role add to the log, read it, and have removed what is older than it is kept, as its owner. */
export function auditGrants(role: string): string {
  return `
    grant usage on schema audit to ${role};
    grant select, insert (${WRITTEN}) on audit.log to ${role};
    grant execute on function audit.prune() to ${role};`;
}
