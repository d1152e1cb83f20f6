import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ScalarType } from '@bufbuild/protobuf';
import type { Person, Post } from '../testing/people.ts';
import type { Stubs } from '../testing/stubs.ts';
import {
  hasBody,
  idPlaces,
  internalRpcs,
  type NamedRpc,
  openRpcs,
  publicRpcs,
  replaceId,
  scopedRpcs,
} from './contracts.ts';
import { internalCalls } from './credentials.ts';
import { type Cast, everyCall } from './refused.ts';
import { OTHERS, placesOf, TEXTS } from './wrong-bodies.ts';

const person = { id: '1', handle: 'a', accessToken: 't' } as Person;
const cast: Cast = { me: person, other: person, myPost: { id: '2' } as Post, theirPost: { id: '3' } as Post };

const sorted = (names: Iterable<string>): string[] => [...names].sort();
const namesOf = (rpcs: readonly NamedRpc[]): string[] => sorted(rpcs.map(({ name }) => name));

/** Fields of bodies as "CreatePost.text", texts or others. */
function fieldsOf(isText: boolean): string[] {
  return publicRpcs.filter(hasBody).flatMap(({ name, http, method }) =>
    method.input.fields
      .filter((field) => !http.some(({ path }) => path.includes(`{${field.name}}`)))
      .filter((field) => (field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING) === isText)
      .map((field) => `${name}.${field.jsonName}`),
  );
}

describe('what the refusals try', () => {
  it('is every public RPC, at its own path', () => {
    const calls = everyCall(cast);
    assert.deepEqual(sorted(Object.keys(calls)), namesOf(publicRpcs));
    for (const { name, http } of publicRpcs) {
      const { method = 'GET', path } = calls[name] ?? assert.fail(name);
      const [rule] = http;
      assert.equal(method, rule?.method.toUpperCase(), name);
      assert.match(`/api/v1${path}`, new RegExp(`^${rule?.path.replace(/\{\w+\}/g, '[^/]+')}$`), name);
    }
  });

  it('is every internal RPC', () => {
    const calls = internalCalls({} as Stubs, '1');
    assert.deepEqual(sorted(Object.keys(calls)), namesOf(internalRpcs));
  });

  it('is every body with all its fields', () => {
    assert.deepEqual(sorted(Object.keys(placesOf(cast))), namesOf(publicRpcs.filter(hasBody)));
    assert.deepEqual(sorted(TEXTS.map(([rpc, field]) => `${rpc}.${field}`)), sorted(fieldsOf(true)));
    assert.deepEqual(sorted(OTHERS.map(([rpc, field]) => `${rpc}.${field}`)), sorted(fieldsOf(false)));
  });

  it('is read from contracts that say something', () => {
    assert.ok(openRpcs.has('Register') && !openRpcs.has('GetMe'));
    assert.ok(scopedRpcs.has('GetMe') && !scopedRpcs.has('Register'));
    assert.deepEqual(
      idPlaces
        .filter(({ rpc }) => rpc === 'ListUserPosts')
        .map(({ withId, field }) => [withId('/users/1/posts', 'x'), field]),
      [['/users/x/posts', 'userId']],
    );
    const two = ['/api/v1/posts/{post_id}/tags/{id}:pin', 'id', '/posts/1/tags/2:pin'] as const;
    assert.equal(replaceId(...two, '$&'), '/posts/1/tags/$&:pin', 'the other id stays');
    assert.ok(idPlaces.length >= 7);
  });
});
