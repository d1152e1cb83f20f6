import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import {
  extractTrace,
  injectTrace,
  isTraced,
  SpanKind,
  startRecording,
  withSpan,
  withTraceContext,
} from '#kit/observability/trace.ts';

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new BasicTracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0) }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  }),
);
startRecording();

const SAMPLED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const NOT_SAMPLED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

function inTrace<T>(traceparent: string, fn: () => T): T {
  return withTraceContext(extractTrace({ traceparent }), fn);
}

function injected(): Record<string, string> {
  const carrier: Record<string, string> = {};
  injectTrace(carrier);
  return carrier;
}

test('continues a sampled trace through asynchronous work and into a carrier', async () => {
  exporter.reset();
  const carrier = await inTrace(SAMPLED, () =>
    withSpan('outer', SpanKind.SERVER, { a: 1 }, async () => {
      await Promise.resolve();
      return withSpan(
        'inner',
        SpanKind.CLIENT,
        () => ({ b: 2 }),
        async () => injected(),
      );
    }),
  );
  const [inner, outer] = exporter.getFinishedSpans();
  assert.equal(outer?.parentSpanContext?.spanId, 'b7ad6b7169203331');
  assert.equal(inner?.parentSpanContext?.spanId, outer?.spanContext().spanId);
  assert.deepEqual([outer?.attributes, inner?.attributes], [{ a: 1 }, { b: 2 }]);
  assert.equal(carrier.traceparent, `00-0af7651916cd43dd8448eb211c80319c-${inner?.spanContext().spanId}-01`);
});

test('makes no span and asks for no attributes in a trace that is not sampled, but carries it on', async () => {
  exporter.reset();
  const carrier = await inTrace(NOT_SAMPLED, () => {
    assert.equal(isTraced(), false);
    return withSpan(
      'outer',
      SpanKind.SERVER,
      () => assert.fail('asked for attributes'),
      async (span) => {
        assert.equal(span.isRecording(), false);
        return injected();
      },
    );
  });
  assert.equal(carrier.traceparent, NOT_SAMPLED);
  assert.equal(exporter.getFinishedSpans().length, 0);
});

test('a trace that begins here and is not sampled stays one trace', () => {
  withSpan('root', SpanKind.SERVER, undefined, () => {
    const outer = injected().traceparent;
    withSpan('child', SpanKind.CLIENT, undefined, () => assert.equal(injected().traceparent, outer));
    assert.match(outer ?? '', /-00$/);
  });
});

test('records what a function throws or rejects with, and passes it on', async () => {
  exporter.reset();
  const failure = new Error('no room for ann@example.org');
  const failNow = () =>
    withSpan('sync', SpanKind.INTERNAL, undefined, () => {
      throw failure;
    });
  const failLater = () => withSpan('async', SpanKind.INTERNAL, undefined, () => Promise.reject(failure));
  assert.throws(() => inTrace(SAMPLED, failNow), failure);
  await assert.rejects(() => inTrace(SAMPLED, failLater), failure);
  const spans = exporter.getFinishedSpans();
  assert.deepEqual(
    spans.map(({ status }) => status.message),
    ['no room for [redacted]', 'no room for [redacted]'],
  );
  assert.equal(spans[0]?.events[0]?.name, 'exception');
});

test('work that belongs to no request makes no spans, and begins no trace', () => {
  exporter.reset();
  for (const kind of [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.PRODUCER]) {
    withSpan(
      'sweep',
      kind,
      () => assert.fail('asked for attributes'),
      (span) => assert.equal(span.isRecording(), false),
    );
    assert.equal(isTraced(kind), false);
  }
  assert.equal(
    withSpan('sweep', SpanKind.CLIENT, undefined, () => injected().traceparent),
    undefined,
  );
  for (const kind of [SpanKind.SERVER, SpanKind.CONSUMER]) assert.equal(isTraced(kind), true);
});

test('a request has so many spans and no more, and says how many were left out', () => {
  exporter.reset();
  inTrace(SAMPLED, () =>
    withSpan('fan-out', SpanKind.CONSUMER, undefined, () => {
      for (let number = 0; number < 200; number += 1) withSpan('insert', SpanKind.CLIENT, undefined, () => undefined);
    }),
  );
  const spans = exporter.getFinishedSpans();
  assert.equal(spans.length, 1 + 128);
  assert.equal(spans.find(({ name }) => name === 'fan-out')?.attributes['oxo.spans_left_out'], 200 - 128);
});

test('says by which of few kinds of errors a span has failed', () => {
  exporter.reset();
  const errors = [
    Object.assign(new Error('taken'), { reason: 'HANDLE_TAKEN', code: 6 }),
    Object.assign(new Error('invalid input syntax for type uuid: "what she "wrote""'), { code: '22P02' }),
    new TypeError('no function'),
  ];
  for (const error of errors) {
    const fail = () => withSpan('fails', SpanKind.CLIENT, undefined, () => assert.fail(error));
    assert.throws(() => inTrace(SAMPLED, fail), error);
  }
  const spans = exporter.getFinishedSpans();
  assert.deepEqual(
    spans.map(({ attributes, status }) => [attributes['error.type'], status.message]),
    [
      ['HANDLE_TAKEN', 'taken'],
      ['22P02', 'invalid input syntax for type uuid: "[redacted]"'],
      ['TypeError', 'no function'],
    ],
  );
});

test('a carrier without a trace gives an empty context', () => {
  assert.deepEqual(withTraceContext(extractTrace({}), injected), {});
  assert.deepEqual(withTraceContext(extractTrace({ traceparent: 'nonsense' }), injected), {});
});
