import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { explore } from './model/explore.ts';
import { playHistory, withLostEvents } from './model/history.ts';
import { calmHistories } from './model/steps.ts';
import { type System, startSystem } from './model/system.ts';

/** By `./oxo test --runs N --seed N`. */
const runs = Number(process.env.MODEL_RUNS ?? 200);
const seed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** What was there before a node was lost is read by everybody. */
const readAgain = [0, 1, 2, 3].map((who) => [{ do: 'readFeed', who, pageSize: 3 }] as const);

/** Half of them on each of the first two systems. */
const halfOfRuns = Math.ceil(runs / 2);

/** On a cluster fewer: what is above the kit is the same. */
const clusterRuns = Math.ceil(runs / 8);

describe('whatever happens, in whatever order', () => {
  let system: System;
  before(async () => {
    system = await startSystem();
  });
  after(() => system.close());

  test(`every feed, list and count is what the model says (${halfOfRuns} histories from seed ${seed})`, async () => {
    const { failure, runs: played } = await explore({ runs: halfOfRuns, seed }, (history) =>
      playHistory(system, history),
    );
    if (failure !== undefined) assert.fail(failure);
    assert.equal(played, halfOfRuns);
  });

  test('lost events are found, and told in a short history', async () => {
    const isLost = (post: number) => post % 2 === 0;
    const { failure = '' } = await explore({ runs: 200, seed, shrinkMs: 10_000 }, (history) =>
      playHistory(system, withLostEvents(history, isLost)),
    );
    assert.match(failure, /^ {2}\d+\. .*follows/m);
    assert.match(failure, /its event is .*lost/);
    assert.match(failure, /\.\/oxo test --runs 1 --seed \d+ e2e\/model/);
  });
});

describe('where posts are pushed and people ask what has arrived since', () => {
  let system: System;
  before(async () => {
    system = await startSystem({ maxPushedFollowers: 100 });
  });
  after(() => system.close());

  test(`every feed, list and count is what the model says (${halfOfRuns} calm histories from seed ${seed})`, async () => {
    const { failure } = await explore({ runs: halfOfRuns, seed, kind: calmHistories }, (history) =>
      playHistory(system, history),
    );
    if (failure !== undefined) assert.fail(failure);
    const { arrived, reset } = system.answers;
    assert.ok(halfOfRuns < 50 || arrived > reset, `${arrived} answers told what has arrived, ${reset} began anew`);
  });

  test('late arrivals that are not logged are found', async () => {
    system.faults.unlogged = true;
    const { failure = '' } = await explore({ runs: 200, seed, shrinkMs: 5_000, kind: calmHistories }, (history) =>
      playHistory(system, history),
    );
    assert.match(failure, /what has arrived since/);
  });
});

describe('on a Redis Cluster whose nodes are killed and come back', () => {
  let system: System;
  before(async () => {
    system = await startSystem({ redisCluster: true });
  });
  after(() => system.close());

  test(`every feed, list and count is what the model says (${clusterRuns} histories from seed ${seed})`, async () => {
    const { failure } = await explore({ runs: clusterRuns, seed }, async (history) => {
      await playHistory(system, [...history, [{ do: 'restartRedis' }], ...readAgain]);
    });
    if (failure !== undefined) assert.fail(failure);
  });
});
