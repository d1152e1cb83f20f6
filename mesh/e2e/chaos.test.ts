import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { causeChaos } from '../local/chaos/chaos.ts';
import { createProgress } from '../local/cli/progress.ts';
import { startWorld, type World } from './testing/world.ts';

const silence = { write: () => undefined };

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.stop());

test('every kind of process is killed while people write and read: nothing is lost, doubled, out of place or wrong', async (t) => {
  const { urls, processes } = world.stack;
  const names = processes().map(({ name }) => name);
  const result = await causeChaos(
    { kills: names.length, seed: 7, people: 8 },
    { urls, processes },
    { progress: createProgress(silence), signal: t.signal },
  );
  assert.deepEqual(Object.keys(result.kills).toSorted(), names.toSorted());
  assert.deepEqual(result.findings, { lost: 0, doubled: 0, outOfPlace: 0, wrong: 0 }, result.texts.join('\n'));
  assert.ok(result.settled, 'all events are through');
  for (const [what, count] of Object.entries(result.deeds)) assert.ok(count > 0, what);
});
