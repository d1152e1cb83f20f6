insert into accounts (id, email, password_hash, state, pending_handle, pending_display_name, sweep_at_ms, created_at_ms)
  values ('000000{{n}}-0000-7000-8000-000000000001', 'a{{n}}@example.org', 'hash', 'PENDING', 'a{{n}}', 'A', 1, 1);
update accounts set state = 'ACTIVE', pending_handle = null, pending_display_name = null, sweep_at_ms = null
  where id = '000000{{n}}-0000-7000-8000-000000000001';
insert into sessions (id, account_id, family_hash, current_hash, user_agent, ip, created_at_ms, last_seen_at_ms, expires_at_ms)
  values ('000000{{n}}-0000-7000-8000-000000000002', '000000{{n}}-0000-7000-8000-000000000001',
    '\x01', '\x02', 'agent', '127.0.0.1', 1, 1, 4102444800000);
update sessions set current_hash = '\x03', previous_hash = '\x02', rotation_salt = '\x04', rotated_at_ms = 2, grace_used = false,
    last_seen_at_ms = 2
  where id = '000000{{n}}-0000-7000-8000-000000000002' and revoked_at_ms is null;
insert into signing_keys (kid, state, public_jwk, private_key, created_at_ms, activated_at_ms)
  values ('key-{{n}}', 'NEXT', '{}', '\x05', 1, null);
insert into outbox (event_id, subject, payload, headers)
  select * from unnest(array['000000{{n}}-0000-7000-8000-000000000003'::uuid], array['session.revoked'], array['\x06'::bytea], array['{}'::jsonb])
  returning event_id as "eventId", id::float8 as version;
select id, email, email_verified_at_ms::float8, password_hash, state, pending_handle, pending_display_name,
    sweep_at_ms::float8, created_at_ms::float8 from accounts;
select id, account_id, family_hash, current_hash, previous_hash, rotation_salt, rotated_at_ms::float8, grace_used, user_agent, ip,
    created_at_ms::float8, last_seen_at_ms::float8, expires_at_ms::float8, revoked_at_ms::float8 from sessions;
select kid, state, public_jwk, private_key, created_at_ms::float8, activated_at_ms::float8, expires_at_ms::float8 from signing_keys;
