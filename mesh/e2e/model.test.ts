import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { explore } from './model/explore.ts';
import { playHistory, withLostEvents } from './model/history.ts';
import { type System, startSystem } from './model/system.ts';

/** By `./oxo test --runs N --seed N`. */
const runs = Number(process.env.MODEL_RUNS ?? 200);
const seed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe('whatever happens, in whatever order', () => {
  let system: System;
  before(async () => {
    system = await startSystem();
  });
  after(() => system.close());

  test(`every feed, list and count is what the model says (${runs} histories from seed ${seed})`, async () => {
    const { failure, runs: played } = await explore({ runs, seed }, (history) => playHistory(system, history));
    if (failure !== undefined) assert.fail(failure);
    assert.equal(played, runs);
  });

  test('lost events are found, and told in a short history', async () => {
    const isLost = (post: number) => post % 2 === 0;
    const { failure = '' } = await explore({ runs: 200, seed }, (history) =>
      playHistory(system, withLostEvents(history, isLost)),
    );
    assert.match(failure, /^ {2}\d+\. .*follows/m);
    assert.match(failure, /its event is .*lost/);
    assert.match(failure, /\.\/oxo test --runs 1 --seed \d+ e2e\/model/);
  });
});
