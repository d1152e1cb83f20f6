import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../testing/temporary.ts';
import type { Span } from './span.ts';
import { defaultLimits, openTraceStore } from './store.ts';

let spans = 0;
function span(traceId: string, attributes: Span['attributes'] = {}): Span {
  spans += 1;
  const id = spans.toString(16).padStart(16, '0');
  return {
    ...{
      traceId,
      spanId: id,
      parentSpanId: '',
      name: 'n',
      service: 's',
      kind: 'server',
      startMs: spans,
      durationMs: 1,
    },
    ...{ attributes, events: [] },
  };
}

test('what was kept is there after a restart, also when its end was cut off', () => {
  const folder = temporaryFolder();
  openTraceStore(folder, () => 5).add([span('a', { 'guid:x-request-id': 'r1' }), span('b'), span('a')]);
  appendFileSync(join(folder, readdirSync(folder)[0] ?? ''), '{"traceId":"c"');
  const store = openTraceStore(folder, () => 6);
  assert.deepEqual(
    [store.trace('a')?.spans.length, store.trace('b')?.spans.length, store.trace('c')],
    [2, 1, undefined],
  );
  assert.equal(store.ofRequest('r1')?.traceId, 'a');
  assert.equal(store.ofRequest('r2'), undefined);
  assert.deepEqual(
    store.all().map(({ traceId }) => traceId),
    ['b', 'a'],
  );
});

test('the oldest goes first, from memory and from the disk', () => {
  const folder = temporaryFolder();
  const limits = { ...defaultLimits, segmentBytes: 1, segments: 3 };
  const store = openTraceStore(folder, () => 5, limits);
  for (const traceId of ['a', 'b', 'c', 'd']) store.add([span(traceId, { request_id: `r-${traceId}` })]);
  assert.deepEqual(
    store.all().map(({ traceId }) => traceId),
    ['d', 'c', 'b'],
  );
  assert.equal(store.ofRequest('r-a'), undefined);
  assert.equal(readdirSync(folder).length, 3);
  const again = openTraceStore(folder, () => 6, limits);
  assert.equal(again.trace('a'), undefined);
  assert.ok(again.trace('d'));
});

test('what is too old goes, and a trace has no more spans than it may', () => {
  let nowMs = 0;
  const limits = { ...defaultLimits, maxAgeMs: 100, segmentAgeMs: 10, spansOfTrace: 2 };
  const store = openTraceStore(temporaryFolder(), () => nowMs, limits);
  store.add([span('a'), span('a'), span('a')]);
  assert.deepEqual([store.trace('a')?.spans.length, store.trace('a')?.dropped], [2, 1]);
  nowMs = 50;
  store.add([span('b')]);
  nowMs = 120;
  assert.deepEqual(
    store.all().map(({ traceId }) => traceId),
    ['b'],
  );
});

test('a folder that can not be written any more is told of, and traces are kept', () => {
  const folder = temporaryFolder();
  const problems: unknown[] = [];
  const store = openTraceStore(
    join(folder, 'traces'),
    () => 5,
    defaultLimits,
    (error) => problems.push(error),
  );
  rmSync(join(folder, 'traces'), { recursive: true });
  store.add([span('a')]);
  assert.equal(problems.length, 1);
  assert.equal(store.trace('a')?.spans.length, 1);
});
