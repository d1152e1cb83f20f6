with created as (
    insert into users (id, handle, display_name, created_at_ms, version)
    values ('000000{{n}}-0000-7000-8000-000000000001', 'ada{{n}}', 'Ada', 1, nextval('outbox_id_seq'))
    on conflict do nothing returning version),
  event as (
    insert into outbox (id, event_id, subject, payload, headers)
    select version, '000000{{n}}-0000-7000-8000-000000000004', 'user.registered', '\x01', '{}' from created)
  select version::float8 from created;
insert into users (id, handle, display_name, created_at_ms, version)
  values ('000000{{n}}-0000-7000-8000-000000000002', 'bob{{n}}', 'Bob', 1, nextval('outbox_id_seq'));
update users set display_name = 'Ada L', bio = 'bio', links = '{https://example.org}', location = 'here', locale = 'en',
    version = nextval('outbox_id_seq')
  where id = '000000{{n}}-0000-7000-8000-000000000001';
with edge as (
    insert into follows (follower_id, followee_id, created_at_ms, version)
    values ('000000{{n}}-0000-7000-8000-000000000001', '000000{{n}}-0000-7000-8000-000000000002', 1, nextval('outbox_id_seq'))
    on conflict do nothing returning version),
  following_counted as (
    update users set following_count = users.following_count + 1 from edge
    where users.id = '000000{{n}}-0000-7000-8000-000000000001')
  insert into follower_counts as counts (user_id, slot, followers)
    select '000000{{n}}-0000-7000-8000-000000000002', 0, 1 from edge
    on conflict (user_id, slot) do update set followers = counts.followers + 1;
select id, handle, display_name, bio, links, location, locale, following_count, created_at_ms::float8, version::float8,
    (select coalesce(sum(followers), 0)::int from follower_counts where user_id = id) from users;
select follower_id from follows where followee_id = '000000{{n}}-0000-7000-8000-000000000002' order by follower_id limit 100;
