import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waterfallPage } from '../pages/waterfall.ts';
import type { Span } from './span.ts';
import { rowsOf, summarise } from './tree.ts';

function span(
  spanId: string,
  parentSpanId: string,
  startMs: number,
  durationMs: number,
  more: Partial<Span> = {},
): Span {
  return {
    ...{ traceId: 't', spanId, parentSpanId, name: spanId, service: 'post', kind: 'internal', startMs, durationMs },
    ...{ attributes: {}, events: [], ...more },
  };
}

const tell = (spans: readonly Span[]): string[] =>
  rowsOf(spans).map(
    (row) => `${' '.repeat(row.depth)}${'span' in row ? row.span.name : row.gap} ${row.offsetMs}+${row.durationMs}`,
  );

test('spans stand below their parents in the order of their starts, with what lies between', () => {
  const spans = [
    span('handle', 'publish', 180, 20, { service: 'feed' }),
    span('root', 'the caller', 100, 50, { service: 'gateway', attributes: { 'guid:x-request-id': 'r1' } }),
    span('redis', 'rpc', 140, 2, { error: 'away' }),
    span('rpc', 'root', 101, 45, { kind: 'server' }),
    span('sql', 'rpc', 102, 10),
    span('publish', 'rpc', 160, 3),
  ];
  assert.deepEqual(tell(spans), [
    ...[
      'root 0+50',
      ' rpc 1+45',
      '  sql 2+10',
      '  not recorded 12+28',
      '  redis 40+2',
      '  waiting 42+18',
      '  publish 60+3',
    ],
    ...['   waiting 60+20', '   handle 80+20'],
  ]);
  const { requestId, services, durationMs, errors, name } = summarise({ traceId: 't', spans, dropped: 0 });
  assert.deepEqual([requestId, services, durationMs, errors, name], ['r1', ['gateway', 'post', 'feed'], 100, 1, 'rpc']);
});

test('spans without their parents, and those that go round, are shown once each', () => {
  const spans = [span('a', 'b', 1, 1), span('b', 'a', 2, 1), span('c', 'gone', 3, 1), span('d', 'd', 4, 1)];
  assert.deepEqual(
    tell(spans)
      .map((line) => line.trim().split(' ')[0])
      .sort(),
    ['a', 'b', 'c', 'd'],
  );
  assert.deepEqual(rowsOf([]), []);
});

test('a chain of thousands is drawn to a depth, each span once', () => {
  const chain = Array.from({ length: 2_000 }, (_, index) => span(`s${index}`, `s${index - 1}`, index, 1));
  const rows = rowsOf(chain);
  assert.equal(rows.length, chain.length);
  assert.equal(Math.max(...rows.map(({ depth }) => depth)), 40);
  const page = waterfallPage({ traceId: 't', spans: chain, dropped: 0 });
  assert.ok(page.length < 4_000_000, `${page.length} characters`);
});
