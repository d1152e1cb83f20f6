import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { OxoError } from '#kit/errors.ts';
import { ANONYMOUS } from '#kit/identity/caller.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { enumValue, id, idOrMe, ids, pageFields, resolveMe, text, validate } from '#kit/validate.ts';

/** The fields that are refused, with what is said of them. */
function violations(schema: z.ZodType, request: unknown): Record<string, string> {
  try {
    validate(schema, request);
    return {};
  } catch (error) {
    assert.ok(error instanceof OxoError);
    assert.equal(error.reason, 'VALIDATION_FAILED');
    return Object.fromEntries(error.fields.map(({ field, description }) => [field, description]));
  }
}

test('all violations are told at once, by their names in JSON', () => {
  const schema = z.object({
    displayName: text({ maxCharacters: 3, maxBytes: 12 }),
    links: z.array(text({ maxCharacters: 3, maxBytes: 12 })),
    ...pageFields({ default: 20, max: 100 }),
  });
  const request = { displayName: 'long', links: ['ok', 'long', '\u0000'], pageSize: -1, pageToken: '' };
  assert.deepEqual(violations(schema, request), {
    displayName: 'must be at most 3 characters',
    'links.1': 'must be at most 3 characters',
    'links.2': 'must not contain U+0000',
    pageSize: 'must not be negative',
  });
});

test('texts are counted in code points and in bytes', () => {
  const schema = z.object({ t: text({ minCharacters: 1, maxCharacters: 5, maxBytes: 12 }) });
  for (const good of ['a', 'abcde', '😀😀😀', ' a ', 'ééééé', '\u200da', '👩\u200d💻'])
    assert.deepEqual(violations(schema, { t: good }), {}, good);
  assert.deepEqual(violations(schema, { t: '' }), { t: 'must not be empty' });
  assert.deepEqual(violations(schema, { t: ' \n\t\u00a0' }), { t: 'must not be only white space' });
  for (const invisible of [
    '\u200b',
    '\u200b\u200c\u200d',
    ' \u2060 ',
    '\ufeff\u200b',
    '\u00ad',
    '\u3164',
    '\ufe0f',
    '\u202e',
    '\u2066\u2069',
    '\u0001',
    '\u2800',
  ]) {
    const refusal = { t: 'must have a character that can be seen' };
    assert.deepEqual(violations(schema, { t: invisible }), refusal, JSON.stringify(invisible));
    const optional = z.object({ t: text({ visible: true, maxCharacters: 5, maxBytes: 12 }) });
    assert.deepEqual(violations(optional, { t: invisible }), refusal, JSON.stringify(invisible));
    assert.deepEqual(violations(optional, { t: '' }), {});
  }
  assert.deepEqual(violations(schema, { t: 'abcdef' }), { t: 'must be at most 5 characters' });
  assert.deepEqual(violations(schema, { t: '😀😀😀😀' }), { t: 'must be at most 12 bytes of UTF-8' });
  assert.deepEqual(violations(schema, { t: 'a\u0000' }), { t: 'must not contain U+0000' });
});

test('texts of one line have nothing that breaks out of it', () => {
  const schema = z.object({ t: text({ oneLine: true, maxCharacters: 5, maxBytes: 20 }) });
  for (const good of ['', 'a b', '👩\u200d💻', 'a\u200f', '\u061c!', 'é'])
    assert.deepEqual(violations(schema, { t: good }), {}, JSON.stringify(good));
  for (const bad of [
    '\n',
    '\r',
    '\t',
    '\u0001',
    '\u007f',
    '\u0085',
    '\u2028',
    '\u2029',
    '\u202a',
    '\u202e',
    '\u2066',
    '\u2069',
  ])
    assert.match(violations(schema, { t: `a${bad}b` }).t ?? '', /control characters/, JSON.stringify(bad));
  assert.deepEqual(violations(z.object({ t: text({ maxCharacters: 5, maxBytes: 20 }) }), { t: 'a\nb' }), {});
});

test('ids, and "me" for those who are signed in', () => {
  const own = newId(1);
  assert.deepEqual(violations(z.object({ id: id() }), { id: own }), {});
  for (const wrong of ['', 'me', own.toUpperCase(), `${own}\n`]) {
    if (wrong !== own) assert.ok('id' in violations(z.object({ id: id() }), { id: wrong }), wrong);
  }
  const schema = z.object({ id: idOrMe() });
  for (const right of [own, 'me']) assert.deepEqual(validate(schema, { id: right }), { id: right });
  assert.match(violations(schema, { id: 'you' }).id ?? '', /an id or "me"/);
});

test('"me" is whoever calls', async () => {
  const [own, other] = [newId(1), newId(2)];
  const viewer = {
    kind: 'user',
    userId: own,
    sessionId: '',
    clientId: '',
    scopes: new Set<string>(),
    signedInAtMs: 0,
    token: '',
  } as const;
  const anonymous = { caller: ANONYMOUS };
  for (const caller of [viewer, { kind: 'service', service: 'feed', onBehalfOf: viewer } as const]) {
    assert.equal(resolveMe({ caller }, 'id', 'me'), own);
    assert.equal(resolveMe({ caller }, 'id', other), other);
  }
  assert.equal(resolveMe(anonymous, 'id', other), other);
  await assert.rejects(async () => resolveMe(anonymous, 'userId', 'me'), refused('VALIDATION_FAILED', 'userId'));
});

test('many ids: the first that is none is named, and their number is bounded', () => {
  const schema = z.object({ ids: ids({ max: 3 }) });
  assert.deepEqual(violations(schema, { ids: [] }), {});
  assert.deepEqual(violations(schema, { ids: [newId(1), newId(2)] }), {});
  assert.deepEqual(Object.keys(violations(schema, { ids: [newId(1), 'x', 'y'] })), ['ids.1']);
  assert.deepEqual(violations(schema, { ids: Array.from({ length: 4 }, () => newId(1)) }), {
    ids: 'must be at most 3',
  });
  for (const [min, said] of [
    [1, 'must not be empty'],
    [2, 'must be at least 2'],
  ] as const) {
    assert.deepEqual(violations(z.object({ ids: ids({ min, max: 3 }) }), { ids: [] }), { ids: said });
  }
});

test('page sizes are filled in and cut, tokens bounded', () => {
  const schema = z.object(pageFields({ default: 20, max: 100 }));
  for (const [given, used] of [
    [0, 20],
    [1, 1],
    [100, 100],
    [101, 100],
    [2 ** 31 - 1, 100],
  ]) {
    assert.deepEqual(validate(schema, { pageSize: given, pageToken: 't' }), { pageSize: used, pageToken: 't' });
  }
  assert.deepEqual(violations(schema, { pageSize: -1, pageToken: 'x'.repeat(513) }), {
    pageSize: 'must not be negative',
    pageToken: 'must be at most 512 characters',
  });
});

test('an enum takes its values only, and names them', () => {
  const schema = z.object({ visibility: enumValue(Post_Visibility) });
  assert.deepEqual(violations(schema, { visibility: Post_Visibility.FOLLOWERS }), {});
  for (const wrong of [0, -1, 2, 99]) {
    assert.deepEqual(violations(schema, { visibility: wrong }), { visibility: 'must be one of PUBLIC, FOLLOWERS' });
  }
});
