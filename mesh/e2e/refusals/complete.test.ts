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

/** Asserts that a list of what is tried has what the contracts have, and says what to do about it. */
function assertTried(file: string, tried: Iterable<string>, inContracts: Iterable<string>): void {
  const [there, wanted] = [[...tried].sort(), [...inContracts].sort()];
  const missing = wanted.filter((name) => !there.includes(name)).map((name) => `add ${name}`);
  const left = there.filter((name) => !wanted.includes(name)).map((name) => `take out ${name}`);
  const todo = [...missing, ...left].join(', ');
  assert.equal(todo, '', `mesh/e2e/refusals/${file} differs from the contracts: ${todo}`);
  assert.deepEqual(there, wanted, `mesh/e2e/refusals/${file} has something twice`);
}

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
    assertTried('refused.ts (everyCall)', Object.keys(calls), namesOf(publicRpcs));
    for (const { name, http } of publicRpcs) {
      const { method = 'GET', path } = calls[name] ?? assert.fail(name);
      const [rule] = http;
      assert.equal(method, rule?.method.toUpperCase(), name);
      assert.match(`/api/v1${path}`, new RegExp(`^${rule?.path.replace(/\{\w+\}/g, '[^/]+')}$`), name);
    }
  });

  it('is every internal RPC', () => {
    const calls = internalCalls({} as Stubs, '1');
    assertTried('credentials.ts (internalCalls)', Object.keys(calls), namesOf(internalRpcs));
  });

  it('is every body with all its fields', () => {
    assertTried('wrong-bodies.ts (placesOf)', Object.keys(placesOf(cast)), namesOf(publicRpcs.filter(hasBody)));
    const texts = TEXTS.map(([rpc, field]) => `${rpc}.${field}`);
    assertTried('wrong-bodies.ts (TEXTS)', texts, fieldsOf(true));
    const others = OTHERS.map(([rpc, field]) => `${rpc}.${field}`);
    assertTried('wrong-bodies.ts (OTHERS)', others, fieldsOf(false));
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
