import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsumerStatus } from '../read/events.ts';
import type { ProcessStatus } from '../read/processes.ts';
import type { Rates } from '../read/rates.ts';
import type { Readings } from '../read/readings.ts';
import { parseSamples } from '../read/samples.ts';
import { ago, processesBut, processOf, well } from '../testing/readings.ts';
import { judge, servingOf } from './judge.ts';
import { type AlertName, type Problem, runbookOf } from './problem.ts';

/** The one problem of these readings. */
function only(readings: Partial<Readings>, alert: AlertName): Problem {
  const found = judge({ ...well, ...readings });
  assert.deepEqual(
    found.map((each) => each.alert),
    [alert],
  );
  const [first] = found;
  assert(first !== undefined && first.noticed !== '' && first.next !== '');
  assert.equal(first.runbook, runbookOf(alert));
  return first;
}

const withProcess = (name: string, more: Partial<ProcessStatus>) => ({
  processes: processesBut(processOf(name, more)),
});
const consumer = (more: Partial<ConsumerStatus>): Partial<Readings> => {
  const fixed = { name: 'feed-fanout', pending: 0, inFlight: 0, redelivered: 0, pulls: 1 };
  const times = { lastDeliveredAt: ago(600), lastFetchAt: ago(1), pausedUntil: undefined, oldestWaitingAt: undefined };
  return { events: { consumers: [{ ...fixed, ...times, ...more }], deadLetters: 0, deadSince: undefined } };
};
const rate = { perSecond: 100, errorsPerSecond: 0, p99Ms: 20 };
const rates = (more: Partial<Rates>): Partial<Readings> => ({
  rates: {
    ...{ source: 'two readings', seconds: 1, frontDoor: rate, rpcs: [], fanoutP99Ms: undefined },
    ...{ mailsSent: 0, mailsFailed: 0, refusedSignIns: 0, ...more },
  },
});

test('where all is well there is no problem', () => {
  assert.deepEqual(judge(well), []);
  assert.equal(servingOf([]), 'served');
  assert.deepEqual(judge({ ...well, ...consumer({}), ...rates({}) }), []);
});

test('runbooks are those that the rules name', () => {
  assert.equal(runbookOf('ApiSlow'), 'mesh/observability/runbooks/slow-answers.md');
  assert.equal(runbookOf('AnotherOne'), undefined);
  assert.equal(runbookOf('NatsAway'), 'mesh/observability/runbooks/nats-away.md');
  assert.equal(runbookOf('WritesRefusedDiskFull'), 'mesh/observability/runbooks/disk.md');
});

test('each server that is away is named by its alert, since when, and what people notice', () => {
  const alerts: readonly (readonly [string, AlertName, ReturnType<typeof servingOf>])[] = [
    ['envoy', 'FrontDoorDown', 'not served'],
    ['postgres', 'PostgresAway', 'not served'],
    ['nats', 'NatsAway', 'degraded'],
    ['redis', 'RedisAway', 'degraded'],
    ['redis-limits', 'LimiterAway', 'degraded'],
    ['ratelimit', 'LimiterAway', 'degraded'],
    ['mail', 'MailsFail', 'degraded'],
  ];
  for (const [name, alert, serving] of alerts) {
    const found = only(withProcess(name, { state: 'stopped', since: ago(120) }), alert);
    assert.deepEqual([found.subject, found.since, found.next], [name, ago(120), `./oxo logs ${name}`]);
    assert.equal(servingOf([found]), serving, name);
    assert.equal(only(withProcess(name, { state: 'not answering' }), alert).since, undefined);
  }
});

test('a service that is frozen, keeps ending or lacks something is told with what it is', () => {
  const frozen = only(withProcess('feed', { state: 'not answering', frozen: true }), 'ServiceDown');
  assert.match(`${frozen.what}; ${frozen.next}`, /feed is frozen.*kill -CONT 7/);
  assert.match(frozen.noticed, /feeds do not open/);
  assert.equal(servingOf([frozen]), 'partly');
  const ending = only(withProcess('auth', { state: 'backing-off', lastExit: 'exit code 1' }), 'ServiceDown');
  assert.match(ending.what, /auth keeps ending \(exit code 1\)/);
  const lacking = only(withProcess('post', { state: 'not ready', failing: { nats: 'timeout' } }), 'ServiceDown');
  assert.match(lacking.what, /post runs, but can not work \(nats: timeout\)/);
});

test('a service that only does not hear what is revoked serves', () => {
  const failing = { revocations: 'REVOCATIONS could not be read for 31 s' };
  const deaf = only(withProcess('post', { state: 'not ready', failing }), 'RevocationsNotHeard');
  assert.match(`${deaf.what}; ${deaf.next}`, /post hears of no revocation .*for 31 s.*oxo logs post/);
  assert.equal(servingOf([deaf]), 'degraded');
  only(withProcess('post', { state: 'not ready', failing: { ...failing, postgres: 'timeout' } }), 'ServiceDown');
});

test('what only looks at the stack is missed by nobody', () => {
  const processes = [...processesBut(), processOf('prometheus', { state: 'backing-off' })];
  assert.equal(only({ processes }, 'TargetMissing').impact, 'soon');
});

test('while another process of a service serves, people are served', () => {
  const processes = [...processesBut(processOf('feed', { state: 'stopped' })), processOf('feed-2')];
  const found = only({ processes }, 'ServiceDown');
  assert.match(found.noticed, /feed-2 serves/);
  assert.equal(servingOf([found]), 'degraded');
});

test('what only lacks a server that is away is no problem of its own; what is frozen is', () => {
  const others = ['auth', 'user', 'post', 'feed'].map((name) => processOf(name, { state: 'not ready' }));
  const postgres = processOf('postgres', { state: 'stopped' });
  only({ processes: processesBut(postgres, ...others), outboxes: { error: 'refused' } }, 'PostgresAway');
  const frozen = processOf('feed', { state: 'not answering', frozen: true });
  const found = judge({ ...well, processes: processesBut(postgres, frozen) });
  assert.deepEqual(
    found.map(({ alert }) => alert),
    ['PostgresAway', 'ServiceDown'],
  );
});

test('servers of one’s own, which have no process here, are told by what can not be asked', () => {
  const processes = processesBut().filter(({ name }) => !['postgres', 'nats', 'redis-limits'].includes(name));
  const limits = { off: undefined, passed: 0, alone: 0, redisAway: 'refused' };
  const own = { databaseUrl: 'a', natsUrl: 'b', limitsRedisUrl: 'c' };
  const stack = { ...well.stack, own };
  const away = { outboxes: { error: 'refused' }, events: { error: 'refused' } };
  const found = judge({ ...well, stack, processes, limits, ...away });
  assert.deepEqual(
    found.map(({ alert, next }) => [alert, next]),
    [
      ['PostgresAway', 'is the server of DATABASE_URL there?'],
      ['NatsAway', 'is the server of NATS_URL there?'],
      ['LimiterAway', 'is the server of LIMITS_REDIS_URL there?'],
    ],
  );
});

test('a server that is only slow to answer keeps nobody from being served', () => {
  const slow = only({ outboxes: { error: 'timeout' } }, 'PostgresAway');
  assert.match(`${slow.what} ${servingOf([slow])}`, /answers too slowly: timeout degraded/);
  const failing = { postgres: 'timeout' };
  const lacking = processesBut(processOf('auth', { state: 'not ready', failing }));
  const found = only({ processes: lacking, outboxes: { error: 'timeout' } }, 'PostgresAway');
  assert.equal(servingOf([found]), 'not served');
});

test('whether a server is away say services, and not what only looks at the stack', () => {
  const outboxes = { error: 'timeout' };
  for (const name of ['prometheus', 'telemetry', 'mail']) {
    const processes = [
      ...processesBut().filter((each) => each.name !== name),
      processOf(name, { state: 'not answering' }),
    ];
    const found = judge({ ...well, processes, outboxes });
    assert.equal(found.find(({ alert }) => alert === 'PostgresAway')?.impact, 'degraded', name);
    assert.equal(servingOf(found), 'degraded', name);
  }
  const otherwise = processOf('feed', { state: 'not ready', failing: { redis: 'timeout' } });
  const found = judge({ ...well, processes: processesBut(otherwise), outboxes });
  assert.deepEqual(
    found.map(({ alert, impact }) => [alert, impact]),
    [
      ['ServiceDown', 'partial'],
      ['PostgresAway', 'degraded'],
    ],
  );
  const mute = ['auth', 'user', 'post', 'feed'].map((name) => processOf(name, { state: 'not ready' }));
  assert.equal(judge({ ...well, processes: processesBut(...mute), outboxes })[0]?.impact, 'outage');
});

test('a full disk is what is to be mended: it comes first, and what can not write hangs on it', () => {
  const disk = { ...well.disk, freeBytes: 1e6, full: true };
  const failing = { postgres: 'could not write init file' };
  const lacking = ['auth', 'user', 'post', 'feed'].map((name) => processOf(name, { state: 'not ready', failing }));
  const outboxes = { error: 'could not write init file' };
  const [first, second, ...more] = judge({ ...well, disk, outboxes, processes: processesBut(...lacking) });
  assert.deepEqual([first?.alert, first?.impact], ['WritesRefusedDiskFull', 'partial']);
  assert.deepEqual([second?.alert, second?.impact, more], ['PostgresAway', 'partial', []]);
  assert.match(second?.next ?? '', /^make room first: du /);
  const ended = processOf('postgres', { state: 'backing-off', lastExit: 'exit code 1' });
  const [worse, postgres] = judge({ ...well, disk, outboxes, processes: processesBut(ended, ...lacking) });
  assert.deepEqual([worse?.alert, worse?.impact], ['WritesRefusedDiskFull', 'outage']);
  assert.equal(worse?.noticed, postgres?.noticed);
  const frozen = processOf('post', { state: 'not answering', frozen: true });
  const found = judge({ ...well, disk, processes: processesBut(frozen) });
  assert.match(found.find(({ subject }) => subject === 'post')?.next ?? '', /^kill -CONT 7/);
});

test('a front door that runs and gives no answer serves nobody', () => {
  const found = only({ frontDoor: { error: 'it answers 503' } }, 'FrontDoorDown');
  assert.match(found.what, /it answers 503/);
  assert.equal(servingOf([found]), 'not served');
});

test('events that wait in an outbox are told with since when, as a problem after a minute', () => {
  const outbox = (oldestSeconds: number) => ({ outboxes: [{ schema: 'posts', waiting: 3, oldestSeconds }] });
  const found = only(outbox(90), 'OutboxStuck');
  assert.deepEqual([found.since, found.impact, found.next], [ago(90), 'degraded', './oxo logs post']);
  assert.equal(only(outbox(10), 'OutboxStuck').impact, 'soon');
  assert.deepEqual(judge({ ...well, ...outbox(1) }), []);
});

test('a consumer that fetches nothing is stopped, also when nothing waits; one that works is not', () => {
  const found = only(consumer({ pulls: 0, pending: 5, lastFetchAt: ago(300) }), 'ConsumerStopped');
  assert.deepEqual([found.subject, found.since, found.next], ['feed-fanout', ago(300), './oxo logs feed']);
  assert.match(`${found.what} ${found.noticed}`, /nobody fetches .* 5 wait .*reach feeds late/);
  assert.equal(only(consumer({ pulls: 0, lastFetchAt: undefined }), 'ConsumerStopped').since, ago(600));
  only(consumer({ pulls: 0, inFlight: 2, lastFetchAt: ago(300) }), 'ConsumerStopped');
  assert.deepEqual(judge({ ...well, ...consumer({ pulls: 0, inFlight: 2 }) }), []);
});

test('a consumer that stands still is told at once: one that is paused, and one of which nothing is handled', () => {
  const paused = only(consumer({ pausedUntil: ago(-3_600), pending: 40 }), 'ConsumerStopped');
  assert.match(`${paused.what} ${paused.next}`, /feed-fanout is paused until .*Z: .* 40 wait \.\/oxo migrate/);
  assert.equal(paused.impact, 'degraded');
  assert.equal(only(consumer({ pausedUntil: ago(-3_600) }), 'ConsumerStopped').impact, 'soon');
  const still = only(consumer({ pending: 40, oldestWaitingAt: ago(30) }), 'ConsumerStopped');
  assert.deepEqual([still.since, still.impact, still.next], [ago(30), 'degraded', './oxo logs feed']);
  only(consumer({ pending: 1, oldestWaitingAt: ago(11), lastDeliveredAt: undefined }), 'ConsumerStopped');
  assert.deepEqual(judge({ ...well, ...consumer({ pending: 40, oldestWaitingAt: ago(2) }) }), []);
  assert.deepEqual(
    judge({ ...well, ...consumer({ pending: 40, oldestWaitingAt: ago(30), lastDeliveredAt: ago(2) }) }),
    [],
  );
});

test('a consumer that is far behind, and one that fails', () => {
  assert.match(only(consumer({ pending: 4_000 }), 'ConsumerLagging').what, /4000 events behind/);
  assert.deepEqual(judge({ ...well, ...consumer({ pending: 999 }) }), []);
  assert.match(only(consumer({ redelivered: 10 }), 'RedeliveriesHigh').what, /10 in hand/);
  assert.match(only(consumer({ name: 'auth-mails', pending: 4_000 }), 'ConsumerLagging').noticed, /mails/);
});

test('dead letters, since the oldest of them', () => {
  const found = only({ events: { consumers: [], deadLetters: 1, deadSince: ago(60) } }, 'DeadLetters');
  assert.deepEqual([found.what, found.since, found.next], ['1 event was given up', ago(60), './oxo dead-letters list']);
});

test('a disk that is full, fills, or has no inodes left', () => {
  const full = only({ disk: { ...well.disk, freeBytes: 1e6, full: true } }, 'WritesRefusedDiskFull');
  assert.equal(servingOf([full]), 'partly');
  assert.match(full.noticed, /nobody can post/);
  assert.equal(only({ disk: { ...well.disk, freeBytes: 1e9 } }, 'DiskFilling').impact, 'soon');
  assert.match(only({ disk: { ...well.disk, freeInodes: 5 } }, 'DiskFilling').what, /inodes/);
});

test('keys that are too old, and one that has no successor', () => {
  const keys = (more: object) => ({ keys: { ...well.keys, ...more } as Readings['keys'] });
  assert.match(only(keys({ signingAgeSeconds: 93 * 86_400 }), 'SigningKeyOld').what, /93 days old/);
  assert.match(only(keys({ nextIsPublished: false }), 'SigningKeyOld').what, /no next key/);
  assert.equal(only(keys({ encryptionAgeSeconds: 400 * 86_400 }), 'EncryptionKeyOld').next, './oxo keys rotate-kek');
  assert.deepEqual(judge({ ...well, ...keys({ signingAgeSeconds: 91 * 86_400 }) }), []);
  assert.deepEqual(judge({ ...well, ...keys({ signingAgeSeconds: 900 * 86_400, rotateAfterDays: undefined }) }), []);
  assert.deepEqual(judge({ ...well, keys: { error: 'refused' } }), []);
});

test('a front door without a rate limit service', () => {
  const limits = { off: 'off: it can not be built', passed: 0, alone: 0, redisAway: undefined };
  assert.match(only({ limits }, 'LimiterAway').what, /can not be built/);
});

test('a share of errors, with the RPC that has most of them', () => {
  const rpcs = [
    { rpc: 'oxo.feed.v1.FeedService/GetFeed', ...rate },
    { rpc: 'oxo.post.v1.PostService/CreatePost', ...rate, errorsPerSecond: 5 },
  ];
  const found = only(rates({ frontDoor: { ...rate, errorsPerSecond: 5 }, rpcs }), 'ApiErrorBudgetBurnFast');
  assert.match(found.what, /^5\.0 % of all requests fail, most at oxo\.post\.v1\.PostService\/CreatePost/);
  assert.deepEqual([found.next, servingOf([found])], ['./oxo logs post', 'partly']);
  assert.deepEqual(judge({ ...well, ...rates({ frontDoor: { ...rate, errorsPerSecond: 1 } }) }), []);
});

test('what people wait for is slow', () => {
  const of = (rpc: string, perSecond = 100) => rates({ rpcs: [{ rpc, ...rate, perSecond, p99Ms: 900 }] });
  assert.match(only(of('oxo.feed.v1.FeedService/GetFeed'), 'FeedReadsSlow').what, /900 ms/);
  assert.equal(only(of('oxo.post.v1.PostService/CreatePost'), 'PostsSlow').next, './oxo logs post');
  assert.deepEqual(judge({ ...well, ...of('oxo.feed.v1.FeedService/GetFeed', 10) }), []);
  assert.match(only(rates({ fanoutP99Ms: 8_000 }), 'PostVisibleLate').what, /8\.0 s/);
  only(rates({ mailsFailed: 4, mailsSent: 12 }), 'MailsFail');
  assert.deepEqual(judge({ ...well, ...rates({ mailsFailed: 4, mailsSent: 16 }) }), []);
});

test('what processes say of themselves', () => {
  const samples = (text: string) => ({ samples: { feed: parseSamples(text) } });
  assert.match(only(samples('nodejs_eventloop_lag_p99_seconds 0.8'), 'EventLoopBlocked').what, /feed .* 800 ms/);
  assert.match(only(samples('oxo_db_pool_waiting 4'), 'DatabasePoolExhausted').what, /^4 requests of feed/);
  assert.deepEqual(judge({ ...well, ...samples('oxo_db_pool_waiting 0') }), []);
});

test('a supervisor that is frozen or dead, and a roll that ended half-way', () => {
  const [frozen] = judge({ ...well, supervisor: { pid: 6, state: 'frozen' } });
  assert.match(`${frozen?.what}: ${frozen?.next}`, /supervisor is frozen.*kill -CONT 6/);
  const [dead] = judge({ ...well, supervisor: { pid: 6, state: 'dead' } });
  assert.deepEqual([dead?.next, dead?.impact], ['./oxo up', 'soon']);
  const error = { message: 'the stack is of two versions now', advice: ['./oxo up goes on'] };
  const [roll] = judge({ ...well, stack: { ...well.stack, error } });
  assert.deepEqual([roll?.what, roll?.next], [error.message, './oxo up goes on']);
});

test('a dead or frozen supervisor is as bad as what is away meanwhile, and comes first', () => {
  const gone = processOf('envoy', { state: 'gone', pid: undefined });
  const stopped = processOf('feed', { state: 'not answering', frozen: true });
  const both = { processes: processesBut(gone, stopped), frontDoor: { error: 'refused' } };
  const told = (state: 'dead' | 'frozen') =>
    judge({ ...well, ...both, supervisor: { pid: 6, state } }).map(({ alert, impact, next }) => [alert, impact, next]);
  assert.deepEqual(told('dead'), [
    ['SupervisorAway', 'outage', './oxo up'],
    ['FrontDoorDown', 'outage', './oxo up'],
    ['ServiceDown', 'partial', 'kill -CONT 7'],
  ]);
  assert.deepEqual(told('frozen'), [
    ['SupervisorAway', 'outage', 'kill -CONT 6'],
    ['FrontDoorDown', 'outage', 'kill -CONT 6'],
    ['ServiceDown', 'partial', 'kill -CONT 7'],
  ]);
  const [first] = judge({ ...well, ...both, supervisor: { pid: 6, state: 'dead' } });
  assert.match(
    `${first?.what}: ${first?.noticed}`,
    /died and left 10 processes; envoy is gone: nobody reaches anything/,
  );
  const replaced = judge({ ...well, ...both }).find(({ subject }) => subject === 'envoy');
  assert.deepEqual([replaced?.next, replaced?.since], ['./oxo logs envoy', undefined]);
});

test('the worst stands first', () => {
  const disk = { ...well.disk, freeBytes: 1e9 };
  const events = { consumers: [], deadLetters: 2, deadSince: ago(1) };
  const found = judge({ ...well, disk, events, ...withProcess('postgres', { state: 'stopped' }) });
  assert.deepEqual(
    found.map(({ alert }) => alert),
    ['PostgresAway', 'DeadLetters', 'DiskFilling'],
  );
});

test('alerts that fire tell since when, and what else there is', () => {
  const text = { severity: 'page', summary: 'Disk is slow', description: 'Writes wait.', since: ago(900) };
  const alert = { ...text, firstCommand: './oxo logs postgres -n 50' };
  const alerts = [
    { ...alert, name: 'NatsAway', runbook: undefined },
    { ...alert, name: 'DiskSlow', runbook: 'mesh/observability/runbooks/disk.md' },
    { ...alert, name: 'DiskSlow', runbook: 'mesh/observability/runbooks/disk.md' },
  ];
  const found = judge({ ...well, alerts, ...withProcess('nats', { state: 'not answering' }) });
  assert.deepEqual(
    found.map(({ alert: name, since, runbook }) => [name, since, runbook]),
    [
      ['NatsAway', ago(900), runbookOf('NatsAway')],
      ['DiskSlow', ago(900), 'mesh/observability/runbooks/disk.md'],
    ],
  );
  assert.equal(found[1]?.next, './oxo logs postgres -n 50');
});

test('an alert on requests that failed, and fail no more, says until when', () => {
  const burnt = { name: 'ApiErrorBudgetBurnFast', severity: 'page', summary: 'The API fails many requests' };
  const rest = {
    description: 'front_door_availability: …',
    runbook: undefined,
    since: ago(900),
    firstCommand: undefined,
  };
  const alerts = [{ ...burnt, ...rest }];
  const long = (lastFaultAt: string | undefined) => ({ longRates: { ...rates({}).rates, lastFaultAt } as Rates });
  const told = (more: Partial<Readings>) => only({ alerts, ...rates({}), ...more }, 'ApiErrorBudgetBurnFast');
  const over = told(long(ago(300)));
  assert.equal(over.what, 'requests failed until 02:55 UTC, and do not now (The API fails many requests)');
  assert.deepEqual([over.impact, over.since], ['soon', ago(900)]);
  assert.match(told(long(undefined)).what, /none has failed for an hour/);
  for (const more of [long(ago(20)), {}, { rates: undefined, ...long(ago(300)) }]) {
    assert.equal(told(more).impact, 'degraded');
  }
  const failing = { ...long(ago(300)), ...rates({ rpcs: [{ rpc: 'a', ...rate, errorsPerSecond: 1 }] }) };
  assert.equal(told(failing).impact, 'degraded');
});

test('what wakes somebody is not only something that may come', () => {
  const samples = { post: parseSamples('oxo_db_pool_waiting 4') };
  const alert = {
    name: 'DatabasePoolExhausted',
    summary: '',
    description: '',
    runbook: undefined,
    firstCommand: undefined,
    since: ago(300),
  };
  const impactBeside = (severity: string): string | undefined =>
    judge({ ...well, samples, alerts: [{ ...alert, severity }] })[0]?.impact;
  assert.deepEqual(['page', 'ticket'].map(impactBeside), ['degraded', 'soon']);
});
