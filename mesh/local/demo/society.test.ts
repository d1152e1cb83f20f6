import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../client/random.ts';
import { makeGraph } from './graph.ts';
import { planSociety, postsEach } from './society.ts';

const plan = (seed: number) => {
  const random = createRandom(seed);
  return planSociety(makeGraph(60, 5, random), random);
};

test('the same seed plans the same run, another one another', () => {
  assert.deepEqual(plan(1), plan(1));
  assert.notDeepEqual(plan(1), plan(2));
});

test('both ends of a friendship follow each other, half before and half after the posts', () => {
  const { followsBefore, followsAfter } = plan(1);
  const edges = new Set([...followsBefore, ...followsAfter].map(({ follower, followee }) => `${follower}>${followee}`));
  assert.equal(edges.size, followsBefore.length + followsAfter.length);
  assert(Math.abs(followsBefore.length - followsAfter.length) <= 1);
  for (const edge of edges) assert(edges.has(edge.split('>').reverse().join('>')), edge);
});

test('everybody writes the same number of posts, each unlike every other', () => {
  const { posts, people } = plan(3);
  assert.equal(posts.length, people * postsEach);
  assert.equal(new Set(posts.map((post) => post.text)).size, posts.length);
  for (let person = 0; person < people; person += 1) {
    assert.equal(posts.filter((post) => post.author === person).length, postsEach);
  }
  assert(posts.some((post) => post.visibility === 'FOLLOWERS'));
  assert(posts.every((post) => [...post.text].length <= 5_000 && !post.text.includes('\u0000')));
  assert(
    posts.some((post) => post.text !== post.text.normalize('NFC')),
    'some use combining characters',
  );
});

test('no change touches what another one touches', () => {
  const { changes } = plan(4);
  const touched = changes.map((change) =>
    change.kind === 'unfollow' ? `${change.follower}>${change.followee}` : `post ${change.post}`,
  );
  assert.equal(new Set(touched).size, touched.length);
  for (const kind of ['unfollow', 'edit', 'delete'])
    assert(
      changes.some((change) => change.kind === kind),
      kind,
    );
});
