import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { newId } from '#kit/ids.ts';
import { createTestContext, openTestDatabase, type TestContext } from '#kit/testing/context.ts';
import { until } from '#kit/testing/until.ts';
import { testSchema } from '../testing/schema.ts';
import { type AuditEvent, NOBODY, person } from './audit-log.ts';
import { type CountedAudit, createCountedAudit } from './counted.ts';

let context: TestContext;
let db: Database;
let counted: CountedAudit;
before(async () => {
  context = createTestContext('audit');
  ({ db } = await openTestDatabase(context, testSchema));
});
after(() => context.close());
beforeEach(async () => {
  await db.query({ name: 'test-empty', text: 'delete from audit.log' });
  counted = createCountedAudit({ db, clock: context.clock, logger: context.logger });
});

const from = (ip: string) => ({ requestId: 'r', device: { ip, userAgent: '' } });
const refusal = (action: AuditEvent['action'], fields: Partial<AuditEvent> = {}): AuditEvent => ({
  ...{ action, outcome: 'REFUSED', actor: NOBODY },
  ...fields,
});

interface Row {
  action: string;
  accountId: string | null;
  network: string;
  sessionId: string;
  details: { count?: string; of?: string };
}

const rows = () =>
  db.query<Row>({
    name: 'test-rows',
    text: 'select action, account_id as "accountId", network, session_id as "sessionId", details from audit.log order by at_ms, id',
  });
const untilThere = (count: number) => until(`${count} entries`, async () => (await rows()).length === count);
/** Entries of the action, and how many more they tell of. */
async function told(action: string): Promise<[number, number]> {
  const found = (await rows()).filter((row) => row.action === action);
  return [found.length, found.reduce((sum, { details }) => sum + Number(details.count ?? 0), 0)];
}

async function endMinute(): Promise<void> {
  context.clock.advance(MINUTE_MS);
  await counted.flush();
}

test('the first of a kind in a minute is written, and how many followed', async () => {
  for (let time = 0; time < 5; time += 1) counted.add(refusal('EXCHANGE_CREDENTIAL'), from('203.0.113.1'));
  counted.add(refusal('EXCHANGE_CREDENTIAL'), from('203.0.113.2'));
  await untilThere(2);
  await counted.flush();
  assert.deepEqual(await told('EXCHANGE_CREDENTIAL'), [2, 0], 'the minute is not over');
  await endMinute();
  assert.deepEqual(await told('EXCHANGE_CREDENTIAL'), [3, 4]);
  await endMinute();
  assert.deepEqual(await told('EXCHANGE_CREDENTIAL'), [3, 4], 'once');
  counted.add(refusal('EXCHANGE_CREDENTIAL'), from('203.0.113.1'));
  await untilThere(4);
});

test('a flood of one action is bounded, loses no count, and hides nothing else', async () => {
  for (let network = 0; network < 250; network += 1) {
    counted.add(refusal('EXCHANGE_CREDENTIAL'), from(`10.0.0.${network}`));
    counted.add(refusal('SIGN_IN'), from(`10.0.1.${network}`));
  }
  const accountId = newId(1);
  counted.add(refusal('SIGN_IN', { accountId }), from('203.0.113.7'));
  counted.add(refusal('AUTHENTICATE_CLIENT', { clientId: 'c' }), from('203.0.113.8'));
  await untilThere(42);
  const rare = (await rows()).filter(({ network }) => network.startsWith('203'));
  assert.deepEqual(rare.map(({ action, accountId: of }) => [action, of]).toSorted(), [
    ['AUTHENTICATE_CLIENT', null],
    ['SIGN_IN', accountId],
  ]);
  await endMinute();
  assert.deepEqual(await told('EXCHANGE_CREDENTIAL'), [21, 230]);
  assert.deepEqual(await told('SIGN_IN'), [22, 230]);
  const others = (await rows()).filter(({ details }) => details.of === 'others');
  assert.deepEqual(
    others.map(({ network, accountId: of }) => [network, of]),
    Array(2).fill(['', null]),
  );
});

test('what is tried on one account over many networks hides nothing of what is tried on another', async () => {
  const [flooded, other] = [newId(1), newId(2)];
  for (let network = 0; network < 250; network += 1)
    counted.add(refusal('SIGN_IN', { accountId: flooded }), from(`10.0.0.${network}`));
  counted.add(refusal('SIGN_IN', { accountId: other }), from('203.0.113.7'));
  await untilThere(21);
  assert.equal((await rows()).filter(({ accountId }) => accountId === other).length, 1);
  await endMinute();
  assert.deepEqual(await told('SIGN_IN'), [22, 230]);
  const summary = (await rows()).find(({ details }) => details.of === 'others');
  assert.deepEqual([summary?.accountId, summary?.details.count], [flooded, '230']);
});

test('over very many accounts it is bounded too, and loses no count', async () => {
  for (let account = 0; account < 1000; account += 1) {
    counted.add(refusal('SIGN_IN', { accountId: newId(account) }), from('203.0.113.7'));
    // Not more at once than may wait for a connection.
    if (account % 100 === 99) await untilThere(Math.min(account + 1, 520));
  }
  await endMinute();
  assert.deepEqual(await told('SIGN_IN'), [521, 480]);
  counted.add(refusal('SIGN_IN', { accountId: newId(2000) }), from('203.0.113.7'));
  await untilThere(522);
});

test('why something was refused, and to whom, makes a kind of its own', async () => {
  for (const limit of ['login', 'refresh'])
    counted.add(refusal('EXCEED_LIMIT', { details: { limit } }), from('203.0.113.1'));
  for (const clientId of ['one', 'two']) counted.add(refusal('AUTHENTICATE_CLIENT', { clientId }), from('203.0.113.1'));
  await untilThere(4);
});

test('of what one person does again and again ten a minute are written, the rest is counted; others have theirs', async () => {
  const [one, other] = [newId(1), newId(2)];
  const details = { by: 'PASSWORD' };
  const signIn = (accountId: string, ip: string) =>
    counted.record(db, { action: 'SIGN_IN', accountId, actor: person(accountId), sessionId: 's', details }, from(ip));
  for (let time = 0; time < 25; time += 1) await signIn(one, '203.0.113.1');
  await signIn(one, '203.0.113.2');
  await signIn(other, '203.0.113.1');
  assert.deepEqual(await told('SIGN_IN'), [12, 0]);
  await endMinute();
  assert.deepEqual(await told('SIGN_IN'), [13, 15]);
  const summary = (await rows()).find(({ details }) => details.count !== undefined);
  assert.deepEqual([summary?.accountId, summary?.network, summary?.sessionId], [one, '203.0.113.1', '']);
  assert.deepEqual(summary?.details, { count: '15' }, 'the first one tells nothing of the others');
  await signIn(one, '203.0.113.1');
  assert.deepEqual(await told('SIGN_IN'), [14, 15]);
});

test('what could not be written is counted, and written later', async () => {
  const broken = { ...db, query: () => Promise.reject(new Error('away')) };
  const one = createCountedAudit({ db: broken, clock: context.clock, logger: context.logger });
  one.add(refusal('SIGN_IN'), from('203.0.113.1'));
  await new Promise(setImmediate);
  context.clock.advance(MINUTE_MS);
  await one.flush();
  assert.deepEqual(await told('SIGN_IN'), [1, 1]);
});
