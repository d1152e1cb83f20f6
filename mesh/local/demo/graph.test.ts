import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CliError } from '../cli/cli-error.ts';
import { createRandom } from '../client/random.ts';
import { makeGraph, parseGraph, readGraph } from './graph.ts';

test('reads friendships, skips blanks and comments, and counts what is there twice once', () => {
  const graph = parseGraph('# people\n1 2\r\n\n  2\t3 \n% more\n2 1\n07 3\n', 'g');
  assert.deepEqual(graph.names, ['1', '2', '3', '7']);
  assert.deepEqual(graph.friendships, [
    [0, 1],
    [1, 2],
    [3, 2],
  ]);
});

for (const [what, text, line, problem] of [
  ['a word', '1 2\n3 x\n', 2, '"x" is not a whole number'],
  ['a negative number', '-1 2', 1, '"-1" is not a whole number'],
  ['three numbers', '1 2\n\n1 2 3', 3, 'two numbers expected, 3 words found'],
  ['one number', '1', 1, 'two numbers expected, 1 word found'],
  ['a friend of oneself', '1 2\n5 05', 2, 'nobody is their own friend'],
  ['a number that is too long', '1 1234567890123456', 1, 'is not a whole number'],
] as const) {
  test(`refuses ${what} and names the line`, () => {
    assert.throws(
      () => parseGraph(text, 'friends.txt'),
      (error) => {
        assert(error instanceof CliError);
        assert.equal(error.exitCode, 2);
        assert(error.message.startsWith(`friends.txt, line ${line}: `), error.message);
        assert(error.message.includes(problem), error.message);
        return true;
      },
    );
  });
}

test('refuses a graph without friendships, and a file that is not there', () => {
  assert.throws(() => parseGraph('# nobody\n', 'g'), /holds no friendships/);
  assert.throws(() => readGraph('/does/not/exist'), /the graph \/does\/not\/exist can't be read/);
});

test('whatever the text, it is read or refused with a line', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseGraph(text, 'g');
      } catch (error) {
        assert(error instanceof CliError, String(error));
      }
    }),
  );
});

test('the made-up society is the same for the same seed, is connected, and knows a few very well', () => {
  const graph = makeGraph(200, 8, createRandom(1));
  assert.deepEqual(graph, makeGraph(200, 8, createRandom(1)));
  assert.notDeepEqual(graph, makeGraph(200, 8, createRandom(2)));
  assert.equal(graph.names.length, 200);
  const friends = new Map<number, number>();
  const keys = new Set<string>();
  for (const [one, other] of graph.friendships) {
    assert.notEqual(one, other);
    keys.add([one, other].sort().join());
    for (const person of [one, other]) friends.set(person, (friends.get(person) ?? 0) + 1);
  }
  assert.equal(keys.size, graph.friendships.length);
  assert.equal(friends.size, 200);
  assert(Math.max(...friends.values()) > 30);
});
