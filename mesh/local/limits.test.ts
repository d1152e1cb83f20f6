import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { productionLimits, renderRateLimits } from '../../gateway/envoy/render.ts';
import { readConfig } from '../../services/auth/config.ts';
import { type Limits, localLimits, readLimits } from './limits.ts';
import { temporaryFolder } from './testing/temporary.ts';

function read(choice?: string): { limits: Limits; problems: string[] } {
  const problems: string[] = [];
  return { limits: readLimits(choice === undefined ? {} : { OXO_RATE_LIMITS: choice }, problems), problems };
}

function file(text: string): string {
  const path = join(temporaryFolder(), 'limits.yaml');
  writeFileSync(path, text);
  return path;
}

test('a stack has wide limits, those of production, or what a file says beside them', () => {
  assert.deepEqual(read(), { limits: localLimits, problems: [] });
  assert.deepEqual(read('local'), { limits: localLimits, problems: [] });
  assert.deepEqual(read('production').limits, { edge: productionLimits, auth: {} });
  const { limits, problems } = read(
    file(
      'network: 120/minute\nreads: { user: 90/minute }\nwrites: { user: 9/hour }\nauth: { LIMIT_REGISTER_FROM_NETWORK: 5/1d }\n',
    ),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(limits.edge.network, { calls: 120, per: 'minute' });
  assert.deepEqual(limits.edge.reads, { ...productionLimits.reads, user: { calls: 90, per: 'minute' } });
  assert.deepEqual(limits.edge.writes.user, { calls: 9, per: 'hour' });
  assert.deepEqual(limits.edge.everyone, productionLimits.everyone);
  assert.deepEqual(limits.auth, { LIMIT_REGISTER_FROM_NETWORK: '5/1d' });
  assert.deepEqual(read(file('')).limits, { edge: productionLimits, auth: {} });
});

test('each fault of a file is named', () => {
  const { problems } = read(
    file(
      'netwrok: 1/second\nnetwork: 30/minute\nreads: { user: many }\nwrites: { user: 0/day }\nauth: { LIMIT_LOGIN_OF_ACCOUNT: 5 }\n',
    ),
  );
  for (const part of [
    'netwrok',
    'network: must be at least one a second',
    'reads.user: must be calls/unit',
    'writes.user: must be',
    'LIMIT_LOGIN_OF_ACCOUNT',
  ])
    assert.ok(
      problems.some((problem) => problem.includes(part)),
      `${part} in ${problems.join('\n')}`,
    );
  assert.match(read('/nowhere').problems.join(), /local, production or a file/);
  assert.match(read(file('{')).problems.join(), /a file that can be read/);
});

test('the rate limit service is told the limits on writes', () => {
  const { domain, descriptors } = parse(renderRateLimits(productionLimits));
  assert.equal(domain, 'oxo');
  const byKey = new Map(
    descriptors[0].descriptors.map((one: { key: string; rate_limit: object }) => [one.key, one.rate_limit]),
  );
  assert.deepEqual(byKey.get('user'), { unit: 'minute', requests_per_unit: 120 });
  assert.deepEqual(byKey.get('masked_remote_address'), { unit: 'minute', requests_per_unit: 1_200 });
  assert.deepEqual(byKey.get('everyone'), { unit: 'second', requests_per_unit: 10_000 });
});

test('auth understands what it is given', () => {
  assert.throws(
    () => readConfig({ ...localLimits.auth, LIMIT_LOGIN_OF_ACCOUNT: '5' }),
    (error) => {
      assert.match(String(error), /LIMIT_LOGIN_OF_ACCOUNT: must be attempts\/time/);
      assert.doesNotMatch(String(error), /LIMIT_REGISTER/);
      return true;
    },
  );
});
