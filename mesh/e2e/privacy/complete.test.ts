import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { internalRpcs, publicRpcs } from '../refusals/contracts.ts';
import { kindOf } from './fields.ts';
import { createMarks, formsOf } from './marks.ts';
import { isText, markedRequest, messagesOf } from './requests.ts';

const rpcs = [...publicRpcs, ...internalRpcs];

describe('what is marked', () => {
  it('is every text of every request and answer, or somebody has said that it may be seen', () => {
    const messages = rpcs.flatMap(({ method }) => [...messagesOf(method.input), ...messagesOf(method.output)]);
    const unknown = messages.flatMap(({ name, fields }) =>
      fields
        .filter((field) => isText(field) && kindOf(name, field.jsonName) === undefined)
        .map((field) => `${name}.${field.jsonName}`),
    );
    const todo = [...new Set(unknown)].sort().join(', ');
    assert.equal(todo, '', `say in mesh/e2e/privacy/fields.ts whether these may be seen: ${todo}`);
  });

  it('is in every request that has such a text', () => {
    const marks = createMarks();
    const marked = (name: string) => {
      const rpc = rpcs.find((each) => each.name === name) ?? assert.fail(name);
      return marks.seenIn(JSON.stringify(markedRequest(rpc.method.input, marks, name))).sort();
    };
    assert.deepEqual(
      marked('Register'),
      ['deviceToken', 'displayName', 'email', 'handle', 'password'].map((field) => `Register.${field}`),
    );
    assert.deepEqual(marked('CreatePost'), ['CreatePost.text']);
    assert.deepEqual(marked('GetMe'), []);
  });

  it('is found in any form', () => {
    const marks = createMarks();
    marks.remember('a token', 'Ab+/é\\9xYz-012345');
    marks.remember('a code', '492039');
    const mark = marks.make('a name');
    for (const value of [mark, 'Ab+/é\\9xYz-012345']) {
      for (const [form, text] of formsOf(value)) {
        assert.equal(marks.seenIn(`{"a":"b","c":"x${text}y"}`).length > 0, true, `${form} of ${value}`);
      }
      for (const before of ['', 'a', 'ab']) {
        const inside = Buffer.from(`${before}${value}more`).toString('base64');
        assert.ok(marks.seenIn(inside).length > 0, inside);
      }
    }
    assert.deepEqual(marks.seenIn('{"otp":"492039"}'), ['a code']);
    assert.deepEqual(marks.seenIn('time 12:00:01.492039, 1492039'), []);
  });
});
