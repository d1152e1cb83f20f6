import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import { diagnose } from '../../local/doctor/diagnose.ts';
import type { Finding } from '../../local/doctor/examination.ts';
import type { Cases } from '../testing/cases.ts';

export const doctor: Cases = {
  'a stack that works has no finding that is not ok but those about the machine': async ({ stateDir }) => {
    await until('all is ok', async () => {
      const findings = await diagnose({ OXO_STATE_DIR: stateDir });
      return requireOk(findings.filter(({ area }) => area !== 'machine'));
    });
  },

  'a service that is frozen and one that is away are told from those that work': async ({ stack, stateDir }) => {
    const pid = stack.process('user').pid();
    assert(pid !== undefined);
    process.kill(pid, 'SIGSTOP');
    await stack.process('post').pause();
    try {
      const findings = await diagnose({ OXO_STATE_DIR: stateDir });
      const verdicts = new Map(findings.map(({ area, name, verdict }) => [`${area} ${name}`, verdict]));
      for (const name of ['processes user', 'processes post', 'Postgres relay of posts']) {
        assert.equal(verdicts.get(name), 'fail', name);
      }
      for (const name of ['processes feed', 'processes auth', 'Postgres server', 'Redis server', 'NATS server']) {
        assert.equal(verdicts.get(name), 'ok', name);
      }
    } finally {
      process.kill(pid, 'SIGCONT');
      await stack.process('post').resume();
    }
  },
};

function requireOk(findings: readonly Finding[]): boolean {
  const others = findings.filter(({ verdict }) => verdict !== 'ok');
  // A relay that has just come back, or an event on its way, is no lasting finding.
  return others.length === 0;
}
