import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Metadata } from 'nice-grpc';
import type { ListAuditLogRequest } from '#gen/oxo/admin/v1/admin_service.ts';
import {
  AuditLogEntry_Action as Action,
  AuditLogEntry_ActorKind as ActorKind,
  type AuditLogEntry,
  AuditLogEntry_Outcome as Outcome,
} from '#gen/oxo/admin/v1/audit_log.ts';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import { userDeleted } from '#kit/events/consumers/user-deleted.ts';
import { newId } from '#kit/ids.ts';
import { deliver } from '#kit/testing/deliver.ts';
import { explain } from '#kit/testing/explain.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { auditLogStatement } from '../../audit/audit-entries.ts';
import { RECORD } from '../../audit/audit-log.ts';
import { ERASURE } from '../../events/durables.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { registerClient } from '../../testing/oauth-client.ts';
import { PASSWORD } from '../../testing/signers.ts';

let service: TestAuthService;
let admin: { id: string; token: string };
before(async () => {
  service = await startAuthService();
  const { id, handle } = await service.signUp();
  await service.operator().grantAdmin({ handle });
  const { tokens } = await service.as().login({ identifier: handle, password: PASSWORD });
  admin = { id, token: tokens?.accessToken ?? '' };
});
after(() => service.close());

const list = (request: Partial<ListAuditLogRequest>) => service.adminWithToken(admin.token).listAuditLog(request);
const entriesOf = async (accountId: string) => (await list({ accountId, pageSize: 200 })).entries;

/** An entry in short: what, how, by whom. */
function brief({ action, outcome, actorKind, actorId }: AuditLogEntry): string {
  const names = (values: object, number: number) => Object.entries(values).find(([, value]) => value === number)?.[0];
  return [names(Action, action), names(Outcome, outcome), names(ActorKind, actorKind), actorId].join(' ').trim();
}

const from = (ip: string) => ({ metadata: Metadata({ 'x-forwarded-for': ip, 'x-request-id': newId(1) }) });

/** Entries as old as this, whatever the log lets others do. */
async function insertOld(count: number, ageMs: number, accountId = newId(1)): Promise<string> {
  const text = `insert into audit.log (id, at_ms, action, outcome, account_id, actor_kind, actor_id, session_id, key_id, client_id, network,
      user_agent, request_id, details)
    select gen_random_uuid(), (extract(epoch from now()) * 1000)::bigint - $2::bigint - n, 'SIGN_IN', 'SUCCEEDED', $3, 'PERSON', '', '', '', '',
      '203.0.113.7', 'a browser', '', '{}' from generate_series(1, $1::integer) as n`;
  await service.db.query({ name: 'test-insert-old', text }, [count, ageMs, accountId]);
  return accountId;
}

describe('what stands in it', () => {
  test('the life of an account, each with who did it, from where, and no word of what was typed', async () => {
    const person = await service.signUp();
    const { handle, id } = person;
    const sign = (password: string) => service.as().login({ identifier: handle, password }, from('2001:db8:1:2:3::4'));
    const { tokens } = await sign(PASSWORD);
    await assert.rejects(sign('a wrong password'), refused('CREDENTIALS_INVALID'));
    await until('the failure is in the log', async () =>
      (await entriesOf(id)).some(({ outcome }) => outcome === Outcome.REFUSED),
    );
    const session = (await service.withToken(tokens?.accessToken ?? '').listSessions({})).sessions.find(
      ({ current }) => current,
    );
    await service.withToken(person.accessToken).revokeSession({ id: session?.id ?? '' });
    await service.withToken(person.accessToken).revokeSession({ id: session?.id ?? '' });
    const next = await service.as().refresh({ refreshToken: person.refreshToken });
    await service.as().refresh({ refreshToken: next.tokens?.refreshToken ?? '' });
    await assert.rejects(service.as().refresh({ refreshToken: person.refreshToken }), refused('REFRESH_TOKEN_REUSED'));
    const last = await sign(PASSWORD);
    await service.withToken(last.tokens?.accessToken ?? '').logout({ all: true });
    for (let time = 0; time < 2; time += 1) await service.internal('user').disableAccount({ userId: id });
    await deliver(service.consumers, ERASURE, userDeleted, {
      userId: id,
      deletedAt: new Date(0),
      eraseFrom: new Date(0),
    });

    const entries = (await entriesOf(id)).toReversed();
    assert.deepEqual(entries.map(brief), [
      `REGISTER SUCCEEDED PERSON ${id}`,
      `SIGN_IN SUCCEEDED PERSON ${id}`,
      'SIGN_IN REFUSED NOBODY',
      `REVOKE_SESSION SUCCEEDED PERSON ${id}`,
      'REUSE_REFRESH_TOKEN REFUSED NOBODY',
      `SIGN_IN SUCCEEDED PERSON ${id}`,
      `SIGN_OUT SUCCEEDED PERSON ${id}`,
      'DISABLE_ACCOUNT SUCCEEDED SERVICE user',
      'ERASE_ACCOUNT SUCCEEDED SERVICE auth',
    ]);
    const [, signedIn, , revoked] = entries;
    assert.deepEqual(
      [signedIn?.network, signedIn?.userAgent.slice(0, 4), signedIn?.sessionId, revoked?.sessionId],
      ['2001:db8:1:2', 'grpc', session?.id, session?.id],
    );
    assert.ok(signedIn?.requestId);
    const text = JSON.stringify(entries);
    for (const secret of [handle, PASSWORD, 'wrong password', '@', person.refreshToken])
      assert.ok(!text.includes(secret), secret);
  });

  test('a guess at an account that is not there names none', async () => {
    await assert.rejects(
      service.as().login({ identifier: 'nobody_has_this', password: PASSWORD }, from('198.51.100.77')),
      refused('CREDENTIALS_INVALID'),
    );
    await until('it is in the log', async () => {
      const { entries } = await list({ outcome: Outcome.REFUSED, action: Action.SIGN_IN });
      const found = entries.find(({ network }) => network === '198.51.100.77');
      assert.equal(found?.accountId ?? '', '');
      return found !== undefined;
    });
  });

  test('a flood of guesses is counted, not listed', async () => {
    const { id, handle } = await service.signUp();
    const guess = () =>
      assert.rejects(service.as().login({ identifier: handle, password: 'wrong' }, from('192.0.2.1')));
    for (let time = 0; time < 4; time += 1) await guess();
    service.clock.advance(MINUTE_MS);
    await service.background('counts of the audit log');
    await service.background('counts of the audit log');
    await until('both are there', async () => (await entriesOf(id)).length === 3);
    const refusals = (await entriesOf(id)).filter(({ outcome }) => outcome === Outcome.REFUSED);
    assert.deepEqual(
      refusals.map(({ network, details }) => [network, details]),
      [
        ['192.0.2.1', { count: '3' }],
        ['192.0.2.1', {}],
      ],
    );
  });

  test('the rotation of keys and the grants of administration, by the operator', async () => {
    await service.internal('operator').rotateSigningKeys({ force: true });
    const { tokens } = await service.as().login({
      identifier: (await service.users.resolveUser({ id: admin.id })).user?.handle ?? '',
      password: PASSWORD,
    });
    admin.token = tokens?.accessToken ?? '';
    const { entries } = await list({ action: Action.ROTATE_SIGNING_KEYS });
    assert.deepEqual(entries.map(brief), ['ROTATE_SIGNING_KEYS SUCCEEDED OPERATOR']);
    assert.equal(entries[0]?.keyId, service.keys.current().kid);
    const grants = await list({ action: Action.GRANT_ADMIN });
    assert.deepEqual(
      grants.entries.map(({ accountId }) => accountId),
      [admin.id],
    );
  });

  test('an API key from its making to its end, a credential that is none, and a client', async () => {
    const { id, accessToken } = await service.signUp();
    const keys = service.apiKeys(accessToken);
    const { apiKey } = await keys.createApiKey({ name: 'a secret name', scopes: ['feed:read'] });
    await keys.rotateApiKey({ id: apiKey?.id ?? '' });
    await keys.revokeApiKey({ id: apiKey?.id ?? '' });
    const made = (await entriesOf(id)).filter(({ keyId }) => keyId === apiKey?.id).toReversed();
    assert.deepEqual(made.map(brief), [
      `CREATE_API_KEY SUCCEEDED PERSON ${id}`,
      `ROTATE_API_KEY SUCCEEDED PERSON ${id}`,
      `REVOKE_API_KEY SUCCEEDED PERSON ${id}`,
    ]);
    assert.ok(!JSON.stringify(made).includes('secret name'));
    const client = await registerClient(service);
    const { entries } = await list({ action: Action.REGISTER_CLIENT });
    assert.deepEqual(
      entries.map(({ clientId }) => clientId),
      [client.id],
    );
    const wrong = { headers: { 'x-api-key': 'oxo_wrong', 'x-forwarded-for': '198.51.100.9' } };
    assert.equal((await fetch(`${service.httpUrl}/internal/exchange`, wrong)).status, 401);
    await until('it is in the log', async () => {
      const found = await list({ action: Action.EXCHANGE_CREDENTIAL });
      return found.entries.some(({ network }) => network === '198.51.100.9');
    });
  });

  test('who reads it, and what for', async () => {
    await list({ accountId: admin.id, pageSize: 7 });
    const [entry] = (await list({ action: Action.READ_AUDIT_LOG, pageSize: 2 })).entries.slice(1);
    assert.equal(entry?.actorId, admin.id);
    assert.deepEqual(entry?.details, { accountId: admin.id, pageSize: '7' });
  });
});

describe('the list', () => {
  test('is read in pages, within times, and a token is of one list', async () => {
    const accountId = await insertOld(5, DAY_MS);
    const ids = new Set<string>();
    let pageToken = '';
    let pages = 0;
    do {
      const page = await list({ accountId, pageSize: 2, pageToken });
      for (const { id } of page.entries) ids.add(id);
      ({ nextPageToken: pageToken } = page);
      pages += 1;
    } while (pageToken !== '');
    assert.deepEqual([ids.size, pages], [5, 3]);
    const { nextPageToken } = await list({ accountId, pageSize: 2 });
    await assert.rejects(
      list({ accountId: newId(2), pageSize: 2, pageToken: nextPageToken }),
      refused('PAGE_TOKEN_INVALID', 'pageToken'),
    );

    const times = (await list({ accountId })).entries.map(({ at }) => at?.getTime() ?? 0);
    const [, since, middle, last] = times.toReversed();
    const within = await list({ accountId, since: new Date(since ?? 0), until: new Date(last ?? 0) });
    assert.deepEqual(
      within.entries.map(({ at }) => at?.getTime()),
      [middle, since],
    );
  });

  test('refuses what is wrong in it', async () => {
    const wrong = { pageSize: -1, accountId: 'me', action: 99 as Action, outcome: -2 as Outcome };
    await assert.rejects(list(wrong), refused('VALIDATION_FAILED', 'pageSize', 'accountId', 'action', 'outcome'));
  });

  test('reads its entries from an index, and no others', async () => {
    const accountId = await insertOld(20, 2 * DAY_MS);
    await insertOld(3_000, 3 * DAY_MS);
    await service.db.query({ name: 'test-analyze', text: 'analyze audit.log' });
    const start = [Number.MAX_SAFE_INTEGER, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 0, 11];
    for (const [filter, ...values] of [
      [{}],
      [{ accountId }, accountId],
      [{ action: 'REGISTER' }, 'REGISTER'],
      [{ outcome: 'REFUSED' }],
    ] as const) {
      for (const scan of await explain(service.db, auditLogStatement(filter), [...start, ...values])) {
        assert.match(scan['Index Name'] ?? '', /^log_/, JSON.stringify(filter));
        assert.equal(scan['Rows Removed by Filter'] ?? 0, 0, JSON.stringify(filter));
        assert.ok(scan['Actual Rows'] <= 11);
      }
    }
  });
});

test('what is older than it is kept goes, and of the rest the addresses; in between nothing', async () => {
  const [old, aged, young] = [
    await insertOld(3, 401 * DAY_MS),
    await insertOld(2, 31 * DAY_MS, newId(3)),
    await insertOld(2, 29 * DAY_MS, newId(4)),
  ];
  await service.background('clean-up of the audit log');
  const seen = async (accountId: string) =>
    (await entriesOf(accountId)).map(({ network, userAgent }) => `${network} ${userAgent}`);
  assert.deepEqual(await seen(aged), [' ', ' ']);
  assert.deepEqual(await seen(young), Array(2).fill('203.0.113.7 a browser'));
  const left = await service.db.query(
    { name: 'test-left', text: 'select 1 from audit.log where account_id = $1 and at_ms < $2' },
    [old, service.clock.nowMs() - 400 * DAY_MS],
  );
  assert.deepEqual(left, []);
});

test('nothing of an entry is without bounds', async () => {
  const right = [newId(5), 'SIGN_IN', 'REFUSED', null, 'NOBODY', '', '', '', '', '', '', '', '{}'];
  for (const [index, value] of [
    [1, 'no action'],
    [2, 'MAYBE'],
    [4, 'SOMEBODY'],
    ...[5, 6, 7, 8, 9].map((column) => [column, 'a'.repeat(65)] as const),
    [10, 'a'.repeat(1_025)],
    [11, 'a'.repeat(129)],
    [12, JSON.stringify({ long: 'a'.repeat(1_100) })],
  ] as const) {
    await assert.rejects(service.db.query(RECORD, right.with(index, value)), /check/, String(index));
  }
});
