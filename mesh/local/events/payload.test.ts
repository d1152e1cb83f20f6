import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import { repositoryRoot } from '../settings.ts';
import { decodePayload, messageNameOf } from './payload.ts';

test('a payload is shown as the JSON of its contract', async () => {
  const createdAt = new Date('2026-05-04T12:00:00Z');
  const author = { id: 'a', handle: 'ada', displayName: 'Ada' };
  const post = { id: 'p', text: 'text', visibility: Post_Visibility.FOLLOWERS, createdAt, author };
  const bytes = PostCreated.encode(PostCreated.fromPartial({ post })).finish();
  const { type, message, problem } = await decodePayload('post.created', bytes);
  assert.equal(problem, undefined);
  assert.equal(type, 'oxo.post.v1.PostCreated');
  const shown = (message as { post: Record<string, unknown> }).post;
  assert.deepEqual([shown.text, shown.visibility, shown.createdAt], ['text', 'FOLLOWERS', '2026-05-04T12:00:00Z']);
});

test('what cannot be decoded is said', async () => {
  const bytes = new Uint8Array([0x0a, 0xff]);
  assert.match((await decodePayload('post.created', bytes)).problem ?? '', /no oxo\.post\.v1\.PostCreated/);
  assert.match((await decodePayload('weather.changed', bytes)).problem ?? '', /WeatherChanged/);
});

test('every event that a service defines has its message under this name', async () => {
  const definitions = globSync('services/**/*.ts', { cwd: repositoryRoot }).flatMap((file) =>
    [...readFileSync(join(repositoryRoot, file), 'utf8').matchAll(/defineEvent\('([\w.]+)', (\w+)\)/g)].map(
      ([, subject = '', type]) => ({ subject, type }),
    ),
  );
  assert.ok(definitions.length > 5);
  for (const { subject, type } of definitions) {
    assert.equal(messageNameOf(subject), type);
    assert.notEqual((await decodePayload(subject, new Uint8Array())).type, undefined, subject);
  }
});
