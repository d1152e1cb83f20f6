with input as (
    select * from json_to_recordset('[{"id": "000000{{n}}-0000-7000-8000-000000000001",
      "author_id": "000000{{n}}-0000-7000-8000-000000000002", "text": "text", "visibility": 1, "published_at_ms": 1,
      "event_id": "000000{{n}}-0000-7000-8000-000000000003", "subject": "post.created", "payload": "", "headers": {}}]'::json) as input (
      id uuid, author_id uuid, text text, visibility smallint, published_at_ms bigint,
      event_id uuid, subject text, payload text, headers jsonb)),
  event as (
    insert into outbox (event_id, subject, payload, headers)
    select event_id, subject, decode(payload, 'base64'), headers from input
    returning id, event_id)
  insert into posts (id, author_id, text, visibility, published_at_ms, version)
    select input.id, author_id, text, visibility, published_at_ms, event.id from input join event using (event_id)
  returning id, version::float8;
update posts set text = 'edited', visibility = 3, edited_at_ms = 2, version = nextval('outbox_id_seq')
  where id = '000000{{n}}-0000-7000-8000-000000000001';
insert into deleted_posts (id, author_id, deleted_at_ms)
  values ('000000{{n}}-0000-7000-8000-000000000004', '000000{{n}}-0000-7000-8000-000000000002', 3);
insert into idempotency_keys (caller_id, rpc, key, request_hash, response, created_at)
  values ('000000{{n}}-0000-7000-8000-000000000002', 'CreatePost', 'key', '\x01', '\x02', now());
select id, author_id as "authorId", text, visibility, published_at_ms::float8 as "publishedAtMs",
    edited_at_ms::float8 as "editedAtMs", version::float8 from posts
  where author_id = '000000{{n}}-0000-7000-8000-000000000002' order by published_at_ms desc, id desc limit 20;
