import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { Metadata } from 'nice-grpc';
import { MINUTE_MS } from '#kit/clock.ts';
import { hasReason, OxoError } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import { isRefused, refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { decodeRefreshToken, encodeRefreshToken, newRefreshToken } from '../../sessions/refresh-token.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD } from '../../testing/signers.ts';
import { hashOf } from '../../tokens/hash.ts';

const WRONG = 'not the password';
const [HOME, HOTEL, CAFE] = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];
const [MINUTES, LONG] = [5 * MINUTE_MS, 60 * MINUTE_MS];

let service: TestAuthService;

function from(ip: string) {
  return { metadata: Metadata({ 'x-forwarded-for': ip }) };
}

function login(identifier: string, password: string, ip: string, deviceToken = '') {
  return service.as().login({ identifier, password, deviceToken }, from(ip));
}

/** What somebody is told who tries a password, and how often one was verified for it. */
async function tried(identifier: string, password: string, ip: string, deviceToken = '') {
  const before = service.hashes();
  const error = await login(identifier, password, ip, deviceToken).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (error !== undefined && !(error instanceof OxoError)) throw error;
  const { reason, message, fields, retryAfterMs } = error ?? { reason: 'OK', message: '', fields: [] };
  return { reason, message, fields, waits: retryAfterMs !== undefined, hashes: service.hashes() - before };
}

async function newHandle(): Promise<string> {
  const { handle } = await service.signUp();
  return handle;
}

describe('passwords that are tried', () => {
  before(async () => {
    service = await startAuthService({
      allowances: {
        loginOfAccountFromNetwork: { attempts: 3, windowMs: MINUTES },
        loginOfAccount: { attempts: 5, windowMs: LONG },
        loginFromNetwork: { attempts: 12, windowMs: LONG },
        loginOfAccountOnDevice: { attempts: 2, windowMs: LONG },
      },
    });
  });
  after(() => service.close());

  it('are refused after some, without being looked at, and the right one too', async () => {
    const handle = await newHandle();
    for (let time = 0; time < 3; time += 1)
      assert.equal((await tried(handle, WRONG, '198.51.100.1')).reason, 'CREDENTIALS_INVALID');
    for (const password of [WRONG, PASSWORD]) {
      const { reason, waits, hashes } = await tried(handle, password, '198.51.100.1');
      assert.deepEqual({ reason, waits, hashes }, { reason: 'RATE_LIMITED', waits: true, hashes: 0 });
    }
    const error = await login(handle, PASSWORD, '198.51.100.1').catch((failure: unknown) => failure);
    assert.ok(error instanceof OxoError && (error.retryAfterMs ?? 0) > 0 && (error.retryAfterMs ?? 0) <= MINUTES);
    // From elsewhere its owner comes in.
    assert.equal((await tried(handle, PASSWORD, '198.51.100.2')).reason, 'OK');
  });

  it('count only when they are wrong', async () => {
    const handle = await newHandle();
    for (let time = 0; time < 8; time += 1) assert.equal((await tried(handle, PASSWORD, HOTEL)).reason, 'OK');
    assert.equal((await tried(handle, WRONG, HOTEL)).reason, 'CREDENTIALS_INVALID');
  });

  it('by strangers from many networks close the account to strangers alone', async () => {
    const handle = await newHandle();
    const { deviceToken } = await login(handle, PASSWORD, HOME);
    for (let stranger = 1; stranger <= 5; stranger += 1)
      assert.equal((await tried(handle, WRONG, `192.0.2.${stranger}`)).reason, 'CREDENTIALS_INVALID');
    const { reason, hashes } = await tried(handle, PASSWORD, '192.0.2.99');
    assert.deepEqual({ reason, hashes }, { reason: 'RATE_LIMITED', hashes: 0 });
    // Not a neighbour is let in who happens to be where its owner has been: that would tell that there is such an account.
    assert.equal((await tried(handle, PASSWORD, HOME)).reason, 'RATE_LIMITED');
    // On the owner's device it stays open, wherever that is, and mistakes are allowed.
    assert.equal((await tried(handle, WRONG, '192.0.2.99', deviceToken)).reason, 'CREDENTIALS_INVALID');
    assert.equal((await tried(handle, PASSWORD, '192.0.2.99', deviceToken)).reason, 'OK');
  });

  it('by a neighbour behind the same address keep nobody out on a device of theirs', async () => {
    const { handle, deviceToken } = await service.signUp();
    const neighbour = await service.signUp();
    const NAT = '192.0.2.200';
    for (let time = 0; time < 3; time += 1) await tried(handle, WRONG, NAT);
    assert.equal((await tried(handle, PASSWORD, NAT)).reason, 'RATE_LIMITED');
    // A device is known to the accounts that have signed in on it, and none that somebody has made up to any.
    for (const other of [neighbour.deviceToken, 'x', 'A'.repeat(43), `${deviceToken.slice(0, 20)}${'A'.repeat(23)}`])
      assert.equal((await tried(handle, PASSWORD, NAT, other)).reason, 'RATE_LIMITED');
    const again = await login(handle, PASSWORD, NAT, deviceToken);
    assert.equal(again.deviceToken, deviceToken);
    // Another person signs in on it, and it is known to both.
    assert.equal((await login(neighbour.handle, PASSWORD, HOTEL, deviceToken)).deviceToken, deviceToken);
    for (let time = 0; time < 3; time += 1) await tried(neighbour.handle, WRONG, NAT);
    assert.equal((await tried(neighbour.handle, PASSWORD, NAT, deviceToken)).reason, 'OK');
    assert.equal((await tried(neighbour.handle, PASSWORD, NAT, neighbour.deviceToken)).reason, 'OK');
  });

  it('on a known device are counted by themselves, and whoever has stolen it gets no further', async () => {
    const { handle, deviceToken } = await service.signUp();
    for (let time = 0; time < 2; time += 1)
      assert.equal((await tried(handle, WRONG, `192.0.2.${210 + time}`, deviceToken)).reason, 'CREDENTIALS_INVALID');
    const { reason, hashes } = await tried(handle, PASSWORD, '192.0.2.212', deviceToken);
    assert.deepEqual({ reason, hashes }, { reason: 'RATE_LIMITED', hashes: 0 });
    assert.equal((await tried(handle, PASSWORD, '192.0.2.213')).reason, 'OK');
  });

  it('are counted by what was typed: a handle and an email address are not told to be of one person', async () => {
    const { id, handle } = await service.signUp();
    const email = `${handle}@example.org`;
    const verify = 'update accounts set email = $2, email_verified_at_ms = 1 where id = $1';
    await service.db.query({ name: 'test-verify-email', text: verify }, [id, email]);
    for (let time = 0; time < 4; time += 1) await tried(handle, WRONG, '192.0.2.220');
    const [known, unknown] = [email, 'nobody.has.this@example.org'];
    assert.deepEqual(await tried(known, WRONG, '192.0.2.220'), await tried(unknown, WRONG, '192.0.2.220'));
    assert.equal((await tried(` ${email.toUpperCase()} `, PASSWORD, '192.0.2.220')).reason, 'OK');
  });

  it('of a known device are of twenty at most for an account', async () => {
    const { id, handle, deviceToken } = await service.signUp();
    for (let device = 0; device < 20; device += 1) {
      service.clock.advance(1);
      await login(handle, PASSWORD, HOME);
    }
    const count = 'select count(*)::int as count from known_devices where account_id = $1';
    const rows = await service.db.query<{ count: number }>({ name: 'test-devices', text: count }, [id]);
    assert.deepEqual(rows, [{ count: 20 }]);
    for (let time = 0; time < 3; time += 1) await tried(handle, WRONG, '192.0.2.230');
    assert.equal((await tried(handle, PASSWORD, '192.0.2.230', deviceToken)).reason, 'RATE_LIMITED');
  });

  it('are told the same whether or not there is such an account', async () => {
    const seen = async (identifier: string, network: number) => {
      const answers: unknown[] = [];
      for (let time = 0; time < 4; time += 1) answers.push(await tried(identifier, WRONG, `192.0.2.${network}`));
      for (let stranger = 1; stranger <= 3; stranger += 1)
        answers.push(await tried(identifier, WRONG, `192.0.2.${network + stranger}`));
      return answers;
    };
    assert.deepEqual(await seen(await newHandle(), 101), await seen('nobody_has_this', 121));
    assert.deepEqual(await seen('nobody@example.org', 141), await seen(await newHandle(), 161));
  });

  it('of many accounts from one network are refused, however it spells its address', async () => {
    const network = (number: number) => `2001:db8:1:2:${number.toString(16)}::1`;
    const regular = await newHandle();
    const { deviceToken } = await login(regular, PASSWORD, network(50));
    for (let account = 0; account < 12; account += 1)
      assert.equal((await tried(`nobody_${account}`, WRONG, network(account))).reason, 'CREDENTIALS_INVALID');
    const { reason, hashes } = await tried(await newHandle(), PASSWORD, network(99));
    assert.deepEqual({ reason, hashes }, { reason: 'RATE_LIMITED', hashes: 0 });
    // Who was there before is not kept out by a neighbour.
    assert.equal((await tried(regular, PASSWORD, network(51), deviceToken)).reason, 'OK');
    assert.equal((await tried(await newHandle(), PASSWORD, '2001:db8:1:3::1')).reason, 'OK');
  });

  it('all at once are no more than one after the other', async () => {
    const handle = await newHandle();
    const before = service.hashes();
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => login(handle, WRONG, CAFE)));
    const told = answers.map(
      (answer) => answer.status === 'rejected' && hasReason(answer.reason, 'CREDENTIALS_INVALID'),
    );
    assert.equal(told.filter(Boolean).length, 3);
    assert.equal(service.hashes() - before, 3);
  });

  it('are counted in the metrics', async () => {
    const text = await service.metrics.render();
    for (const limit of ['loginOfAccountFromNetwork', 'loginOfAccount', 'loginFromNetwork', 'loginOfAccountOnDevice'])
      assert.match(text, new RegExp(`oxo_auth_attempts_refused_total{limit="${limit}"} [1-9]`));
  });

  it('leave neither handles nor addresses in Redis, and nothing without an end', async () => {
    const client = new Redis(service.limits.redisUrl);
    try {
      const keys = (await client.keys('*')).filter((key) => key.startsWith('auth:'));
      assert.ok(keys.length > 0);
      for (const key of keys) {
        assert.match(key, /^auth:[0-9a-f]+:\{\w+:[\w-]{22}\}$/);
        assert.ok((await client.pttl(key)) > 0, key);
      }
    } finally {
      client.disconnect();
    }
  });
});

describe('registrations and refresh tokens', () => {
  before(async () => {
    service = await startAuthService({
      allowances: {
        registerFromNetwork: { attempts: 2, windowMs: LONG },
        refreshFromNetwork: { attempts: 2, windowMs: LONG },
        loginOfAccountFromNetwork: { attempts: 1, windowMs: 300 },
      },
    });
  });
  after(() => service.close());

  const register = (handle: string, ip: string) => {
    const request = { handle, email: `${handle}@example.org`, password: 'a walk in the rain 17', displayName: '' };
    return service.as().register(request, from(ip));
  };

  it('are refused from a network that has made some, whatever became of them', async () => {
    const { tokens } = await register('first_of_two', HOME);
    assert.ok(tokens);
    await assert.rejects(register('first_of_two', HOME), refused('HANDLE_TAKEN'));
    const before = service.hashes();
    await assert.rejects(register('third', HOME), refused('RATE_LIMITED'));
    assert.equal(service.hashes(), before);
    assert.ok((await register('third', HOTEL)).tokens);
    // What is not valid counts for nothing, and is told first.
    await assert.rejects(register('x', HOME), refused('VALIDATION_FAILED', 'handle'));
  });

  it('of tokens only the wrong ones count', async () => {
    let token = (await register('with_tokens', CAFE)).tokens?.refreshToken ?? '';
    for (let time = 0; time < 4; time += 1) {
      const { tokens } = await service.as().refresh({ refreshToken: token }, from(CAFE));
      token = tokens?.refreshToken ?? '';
    }
    for (let time = 0; time < 2; time += 1)
      await assert.rejects(service.as().refresh({ refreshToken: 'x' }, from(CAFE)), refused('REFRESH_TOKEN_INVALID'));
    const made = encodeRefreshToken(newRefreshToken(newId(1)));
    for (const refreshToken of ['x', made])
      await assert.rejects(service.as().refresh({ refreshToken }, from(CAFE)), refused('RATE_LIMITED'));
    // The right one passes, whoever else in the network has tried; one that was right once is told to slow down.
    assert.ok((await service.as().refresh({ refreshToken: token }, from(CAFE))).tokens);
    const ended = await service.signIn();
    await service.withToken(ended.accessToken).logout({});
    const { refreshToken } = ended;
    await assert.rejects(service.as().refresh({ refreshToken }, from(CAFE)), refused('RATE_LIMITED'));
    await assert.rejects(service.as().refresh({ refreshToken }, from(HOTEL)), refused('REFRESH_TOKEN_INVALID'));
  });

  it('of sessions from before there were tags work where nobody has tried too much', async () => {
    const { refreshToken } = await service.signIn();
    const token = { ...(decodeRefreshToken(refreshToken) ?? assert.fail()), family: randomBytes(16) };
    const untag = 'update sessions set family_hash = $2 where id = $1';
    await service.db.query({ name: 'test-untag', text: untag }, [token.sessionId, hashOf(token.family)]);
    const before = encodeRefreshToken(token);
    await assert.rejects(service.as().refresh({ refreshToken: before }, from(CAFE)), refused('RATE_LIMITED'));
    assert.ok((await service.as().refresh({ refreshToken: before }, from('192.0.2.8'))).tokens);
  });

  it('begin anew when the time is over', async () => {
    const { handle } = await service.signUp();
    await assert.rejects(login(handle, WRONG, '198.51.100.9'), refused('CREDENTIALS_INVALID'));
    await until(
      'the window ends',
      async () => !(await isRefused(login(handle, PASSWORD, '198.51.100.9'), 'RATE_LIMITED')),
    );
  });

  it('are counted by the process alone while Redis is away, which a metric tells, and by all again when it is back', async () => {
    await service.limits.killRedis();
    for (const reason of ['REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_INVALID', 'RATE_LIMITED'] as const)
      await assert.rejects(service.as().refresh({ refreshToken: 'x' }, from('192.0.2.7')), refused(reason));
    assert.match(await service.metrics.render(), /oxo_auth_attempts_unchecked_total{limit="refreshFromNetwork"} 3/);
    await service.limits.restartRedis();
    await until('limits are back', () =>
      isRefused(service.as().refresh({ refreshToken: 'x' }, from('192.0.2.7')), 'RATE_LIMITED'),
    );
  });
});
