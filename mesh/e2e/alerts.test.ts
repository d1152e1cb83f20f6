import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '#kit/testing/until.ts';
import { dashboardQueries } from '../observability/dashboards/dashboards.ts';
import { emptyAtRest, emptyUntilBroken } from './alerts/empty.ts';
import { anyTime, rounds } from './alerts/faults.ts';
import {
  alertQuestions,
  distinct,
  panelQuestions,
  type Question,
  recordingQuestions,
  unanswered,
} from './alerts/queries.ts';
import { type Echoes, runRound, untilSilent } from './alerts/rounds.ts';
import { startWatched, type Watched } from './alerts/watched.ts';

/** Of rates in panels: as long as those of the shortened rules. */
const window = '10s';
const evaluations = 8;
const limitMs = 60_000;

describe('alerts, on a stack with people on it', () => {
  let watched: Watched;
  const echoes: Echoes = new Set();
  before(async () => {
    watched = await startWatched();
  });
  after(() => watched.stop());

  /** Waits until each is answered, or is one that need not be. */
  async function requireAnswers(
    questions: readonly Question[],
    mayBeEmpty: ReadonlyMap<string, string>,
  ): Promise<void> {
    let open = distinct(questions).filter(({ expr }) => !mayBeEmpty.has(expr));
    await until(
      'each query returns data',
      async () => {
        open = await unanswered(watched.prometheus, open);
        if (open.length > 0) await delay(500);
        assert.deepEqual(open, []);
        return true;
      },
      limitMs,
    );
  }

  it('nothing fires while all is well', async () => {
    await untilSilent(watched, anyTime);
    const began = performance.now();
    await watched.evaluated(evaluations);
    const fired = await watched.firedWithin((performance.now() - began) / 1_000);
    assert.deepEqual(
      fired.filter((alert) => !anyTime.includes(alert)),
      [],
    );
  });

  it('every query of every dashboard returns data, and so does every recording rule', async () => {
    const questions = [...panelQuestions(window), ...recordingQuestions()];
    assert.ok(questions.length > 100, `${questions.length} queries`);
    await requireAnswers(questions, emptyAtRest);
  });

  it('every metric that an alert looks at is there', () => requireAnswers(alertQuestions(), emptyUntilBroken));

  for (const [what, faults] of Object.entries(rounds)) {
    it(`each alert fires, and no other, and none when it is mended: ${what}`, () => runRound(watched, faults, echoes));
  }

  it('nothing fires any more when all is mended', async () => {
    await untilSilent(watched, anyTime);
  });

  it('what may be empty is asked for by somebody, and what appears with a fault is there now', async () => {
    const asked = new Set([...panelQuestions(window), ...alertQuestions()].map(({ expr }) => expr));
    assert.ok(dashboardQueries().length > 0);
    for (const expr of [...emptyAtRest.keys(), ...emptyUntilBroken.keys()]) assert.ok(asked.has(expr), expr);
    const appeared = [...emptyUntilBroken].filter(([, why]) => why === 'after the first failure').map(([expr]) => expr);
    await requireAnswers(
      // Who counted it may have been killed since, and begun anew.
      appeared.map((expr) => ({ where: 'after the faults', expr: `present_over_time(${expr}[1h])` })),
      new Map(),
    );
  });
});
