import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, servingOf } from '../judge/judge.ts';
import type { Status } from '../overview.ts';
import type { Readings } from '../read/readings.ts';
import { ago, nowMs, processesBut, processOf, well } from '../testing/readings.ts';
import { render } from './render.ts';
import { age, wrap } from './text.ts';

function statusOf(more: Partial<Readings> = {}): Status {
  const readings = { ...well, ...more };
  const problems = judge(readings);
  return {
    ...readings,
    ...{ ready: problems.length === 0, serving: servingOf(problems), problems, version: 'abcdefabcdef' },
    ...{ summary: 'ready on http://127.0.0.1:8080', supervisor: { pid: 6, since: ago(60) } },
    mails: { shownAt: undefined, sent: 1, failed: 0, givenUp: 0 },
    machine: { load: 1, processors: 2 },
  };
}

const none = { pausedUntil: undefined, oldestWaitingAt: undefined };
const long = 'x'.repeat(300);
const rate = { perSecond: 1_234.5, errorsPerSecond: 1_234.5, p99Ms: 12_345 };

test('no line is wider than the terminal, and nothing steers it', () => {
  const consumers = [
    { name: 'a-consumer-with-quite-a-long-name', pending: 1e7, inFlight: 1_000, redelivered: 1_000, pulls: 0 },
  ].map((one) => ({ ...one, lastDeliveredAt: ago(5), lastFetchAt: ago(100), ...none }));
  const status = statusOf({
    processes: processesBut(
      processOf('redis-limits', {
        state: 'not answering',
        lastExit: `\u001b[31m${long}`,
        pid: 4_194_304,
        restarts: 100,
      }),
      processOf('post', { state: 'not ready', failing: { database: `${long}\u0007` } }),
    ),
    events: { consumers, deadLetters: 3, deadSince: ago(1) },
    outboxes: { error: 'connect ECONNREFUSED \u009b' },
    keys: { error: long },
    rates: {
      ...{ source: 'two readings', seconds: 1, frontDoor: rate, fanoutP99Ms: undefined },
      rpcs: [{ ...rate, rpc: 'oxo.auth.v1.AuthService/ConfirmSomethingWithALongName' }],
      ...{ mailsSent: 0, mailsFailed: 0, refusedSignIns: 0 },
    },
  });
  for (const width of [60, 80, 120]) {
    const text = render(status, nowMs, width);
    for (const line of text.split('\n')) assert(line.length <= width, `${line.length}: ${line}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(text, /[\u001b\u009b\u0007]/);
  }
});

test('the first line says whether people are served, and what is wrong', () => {
  const first = (status: Status) => render(status, nowMs, 80).split('\n')[0];
  assert.equal(first(statusOf()), 'people are served, nothing is degraded');
  const away = (name: string) => statusOf({ processes: processesBut(processOf(name, { state: 'stopped' })) });
  assert.equal(first(away('nats')), 'people are served, DEGRADED: NATS is stopped');
  assert.equal(first(away('feed')), 'people are served IN PART: feed is stopped');
  assert.equal(first(away('postgres')), 'people are NOT SERVED: Postgres is stopped');
  assert.match(first({ ...statusOf(), serving: undefined }) ?? '', /NOT SERVED: no service was started; the servers/);
});

test('where nothing runs, that is all that is said, however long it is', () => {
  const summary = `/state has no state of what runs: ${long}`;
  assert.equal(render({ ...statusOf(), processes: [], summary }, nowMs, 80), summary);
});

test('a problem is shown with what people notice, since when, the next command and its runbook', () => {
  const process = processOf('nats', { state: 'stopped', since: ago(300) });
  const text = render(statusOf({ processes: processesBut(process) }), nowMs, 80);
  assert.match(text, /\n1\. NATS is stopped \[degraded: NatsAway, for 5 min\]\n {3}people {2}writes are taken/);
  assert.match(text, /\n {3}next {4}\.\/oxo logs nats\n {3}runbook mesh\/observability\/runbooks\/nats-away\.md\n/);
  assert.match(text, /\nnats +stopped +1\.0 +7 +0 +0 +5 min\n/);
});

test('of many problems the worst are shown, and how many there are besides', () => {
  const samples = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`p${i}`, [{ name: 'oxo_db_pool_waiting', labels: {}, value: 1 }]]),
  );
  assert.match(render(statusOf({ samples }), nowMs, 80), /\nand 8 more: \.\/oxo status --json lists all\n/);
});

test('ages and wrapped lines', () => {
  assert.deepEqual([0, 99, 600, 7_200, 200_000, undefined].map(age), ['0 s', '99 s', '10 min', '2 h', '2 d', '-']);
  assert.deepEqual(wrap('one two three', 8, '  '), ['one two', '  three']);
  assert.deepEqual(wrap('  one two', 8, '    '), ['  one', '    two']);
  assert.deepEqual(wrap('abcdefghij', 4), ['abcd', 'efgh', 'ij']);
});
