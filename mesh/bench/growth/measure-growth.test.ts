import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress } from '../../local/cli/progress.ts';
import { startLoadProcess } from '../load/load-process.ts';
import { measureGrowth, requireFeed } from './measure-growth.ts';
import { makeSociety } from './society.ts';

// Feeds are compared with the society on the way: what is loaded is what the API would have left.
test('people who are loaded can read, post and be measured', async (context) => {
  const load = startLoadProcess();
  context.after(load.stop);
  const progress = createProgress({ write: () => undefined });
  const [figures] = await measureGrowth([200], 1, { load, progress, signal: context.signal });
  const society = makeSociety(200);
  assert.deepEqual([figures?.people, figures?.active], [200, society.active.length]);
  assert.equal(figures?.follows, society.followees.flat().length);
  for (const { requests, cpuMs } of [figures?.reads, figures?.writes].map((one) => one ?? { requests: 0, cpuMs: 0 })) {
    assert(requests > 0 && cpuMs > 0);
  }
});

test('a feed that is not that of the society is an error', () => {
  const society = { people: 2, followees: [[1], []], postCounts: [1, 1], active: [0] };
  const posts = [[{ id: 'a', publishedAtMs: 1 }], [{ id: 'b', publishedAtMs: 2 }]];
  const loaded = { userIds: ['x', 'y'], refreshTokens: [], posts };
  requireFeed(society, loaded, 0, [{ id: 'b' }, { id: 'a' }]);
  for (const wrong of [['a', 'b'], ['b'], ['b', 'a', 'a']]) {
    const items = wrong.map((id) => ({ id }));
    assert.throws(() => requireFeed(society, loaded, 0, items), /the feed of person 0/);
  }
});
