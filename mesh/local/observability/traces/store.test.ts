import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const idsOf = (requestId: string) => store.ofRequest(requestId).map(({ traceId }) => traceId);
  assert.deepEqual([idsOf('r1'), idsOf('r2')], [['a'], []]);
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
  assert.deepEqual(store.ofRequest('r-a'), []);
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
    (what) => problems.push(what),
  );
  rmSync(join(folder, 'traces'), { recursive: true });
  store.add([span('a')]);
  assert.equal(problems.length, 1);
  assert.equal(store.trace('a')?.spans.length, 1);
});

test('lines that are no spans and what is no file are passed over', () => {
  const folder = temporaryFolder();
  openTraceStore(folder, () => 5).add([span('a')]);
  const [name = ''] = readdirSync(folder);
  const line = readFileSync(join(folder, name), 'utf8');
  const wrong = [
    'null',
    '1',
    '[]',
    '{}',
    line.trim().replace('"server"', '"other"'),
    line.trim().replace('[]', '[null]'),
  ];
  writeFileSync(join(folder, name), `${wrong.join('\n')}\n${line.replaceAll('"a"', '"b"')}`);
  mkdirSync(join(folder, '3.jsonl'));
  const problems: string[] = [];
  const store = openTraceStore(
    folder,
    () => 6,
    defaultLimits,
    (what) => problems.push(what),
  );
  assert.deepEqual(
    store.all().map(({ traceId }) => traceId),
    ['b'],
  );
  assert.deepEqual(problems, [`${join(folder, '3.jsonl')} can not be read, and is passed over`]);
  store.add([span('c')]);
  assert.ok(store.trace('c'));
});

test('of traces with the same request id the latest five are found', () => {
  const folder = temporaryFolder();
  const limits = { ...defaultLimits, segmentBytes: 1, segments: 4 };
  const store = openTraceStore(folder, () => 5, limits);
  const idsOf = () => store.ofRequest('r').map(({ traceId }) => traceId);
  for (const traceId of ['a', 'b', 'a']) store.add([span(traceId, { request_id: 'r' })]);
  assert.deepEqual(idsOf(), ['a', 'b']);
  store.add([span('c', { request_id: 'r' }), span('d')]);
  assert.deepEqual(idsOf(), ['c', 'a', 'b']);
  store.add([span('d')]);
  assert.deepEqual(idsOf(), ['c', 'a'], 'b is gone with its file');
  const many = openTraceStore(temporaryFolder(), () => 5);
  many.add(['1', '2', '3', '4', '5', '6'].map((traceId) => span(traceId, { request_id: 'r' })));
  assert.deepEqual(
    many.ofRequest('r').map(({ traceId }) => traceId),
    ['6', '5', '4', '3', '2'],
  );
});

test('an export that is larger than a file fills several', () => {
  const folder = temporaryFolder();
  const store = openTraceStore(folder, () => 5, { ...defaultLimits, segmentBytes: 1, segments: 3 });
  store.add(['a', 'b', 'c', 'd'].map((traceId) => span(traceId)));
  assert.deepEqual(
    store.all().map(({ traceId }) => traceId),
    ['d', 'c', 'b'],
  );
  assert.equal(readdirSync(folder).length, 3);
});
