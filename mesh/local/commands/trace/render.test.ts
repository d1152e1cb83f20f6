import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '../../observability/traces/span.ts';
import { summarise } from '../../observability/traces/tree.ts';
import { renderList, renderTrace } from './render.ts';

test('what spans say does not steer the terminal, and makes no lines of its own', () => {
  const bad = 'a\u001b[2J\n\u009bb';
  const span: Span = {
    ...{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), parentSpanId: '', name: bad, service: bad },
    kind: 'server',
    ...{ startMs: 1, durationMs: 2, error: bad, attributes: { request_id: bad }, events: [] },
  };
  const summary = summarise({ traceId: span.traceId, spans: [span], dropped: 0 });
  const [list, tree] = [renderList([summary]), renderTrace(summary, [span], 'http://127.0.0.1:1')];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  for (const text of [list, tree]) assert.doesNotMatch(text, /[\u001b\u009b]/);
  assert.equal(list.split('\n').length, 2);
  assert.equal(tree.split('\n').length, 8);
});
