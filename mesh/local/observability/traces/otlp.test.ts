import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import protobuf from 'protobufjs';
import type { z } from 'zod';
import { decodeExport } from './otlp.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

function asJson(span: object): Buffer {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'post' } }] };
  const whole = { traceId, spanId, startTimeUnixNano: '1700000000000000000', ...span };
  return Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [whole] }] }] }));
}

test('an export in JSON, as our services send it', () => {
  const [span] = decodeExport(
    asJson({
      ...{ name: 'sql post-insert', kind: 3, parentSpanId: 'C7AD6B7169203331', endTimeUnixNano: '1700000000012345678' },
      attributes: [
        { key: 'db.system', value: { stringValue: 'postgresql' } },
        { key: 'rows', value: { intValue: 2 } },
        { key: 'list', value: { arrayValue: { values: [] } } },
      ],
      events: [
        {
          name: 'exception',
          timeUnixNano: '1700000000001000000',
          attributes: [{ key: 'm', value: { stringValue: 'no' } }],
        },
      ],
      status: { code: 2, message: 'no room' },
    }),
    true,
  );
  assert.deepEqual(span, {
    ...{ traceId, spanId, parentSpanId: 'c7ad6b7169203331', name: 'sql post-insert', service: 'post', kind: 'client' },
    ...{ startMs: 1_700_000_000_000, durationMs: 12.345, error: 'no room' },
    attributes: { 'db.system': 'postgresql', rows: 2 },
    events: [{ name: 'exception', atMs: 1_700_000_000_001, detail: 'no' }],
  });
});

test('an export in Protobuf, as Envoy sends it, with what we do not know of it', () => {
  const { root } = protobuf.parse(`syntax = "proto3";
    message Request { repeated ResourceSpans r = 1; }
    message ResourceSpans { Resource resource = 1; repeated ScopeSpans s = 2; string schema_url = 3; }
    message Resource { repeated KeyValue attributes = 1; }
    message KeyValue { string key = 1; Value value = 2; }
    message Value { string text = 1; ArrayValue array_value = 5; }
    message ArrayValue { repeated Value values = 1; }
    message ScopeSpans { repeated Span spans = 2; }
    message Span { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; string name = 5; int32 kind = 6; fixed64 start = 7; fixed64 end = 8;
      repeated KeyValue attributes = 9; }`);
  const span = {
    ...{ traceId: Buffer.from(traceId, 'hex'), spanId: Buffer.from(spanId, 'hex'), traceState: 'a=b', name: 'ingress' },
    ...{ kind: 2, start: 1_700_000_000_000_000, end: 1_700_000_000_002_000 },
    attributes: [{ key: 'tags', value: { arrayValue: { values: [{ text: 'x' }] } } }],
  };
  const request = {
    r: [{ resource: { attributes: [{ key: 'service.name', value: { text: 'gateway' } }] }, s: [{ spans: [span] }] }],
  };
  const type = root.lookupType('Request');
  const [found] = decodeExport(Buffer.from(type.encode(type.fromObject(request)).finish()), false);
  assert.deepEqual(found, {
    ...{ traceId, spanId, parentSpanId: '', name: 'ingress', service: 'gateway', kind: 'server' },
    ...{ startMs: 1_700_000_000, durationMs: 0.002, attributes: {}, events: [] },
  });
});

test('what is none is refused as a whole, and long texts are cut off', () => {
  for (const wrong of [
    { traceId: 'short' },
    { spanId: '' },
    { startTimeUnixNano: -1 },
    { name: 7 },
    { attributes: {} },
  ])
    assert.throws(() => decodeExport(asJson(wrong), true), JSON.stringify(wrong));
  assert.throws(() => decodeExport(Buffer.from('{'), true));
  assert.throws(() => decodeExport(Buffer.from([0x0a, 0xff]), false));
  const many = Array.from({ length: 100 }, (_, index) => ({
    key: `k${index}`,
    value: { stringValue: 'v'.repeat(1_000) },
  }));
  const [span] = decodeExport(asJson({ name: 'n'.repeat(1_000), attributes: many }), true);
  assert.deepEqual([span?.name.length, span?.attributes.k0?.toString().length], [300, 300]);
  assert.equal(Object.keys(span?.attributes ?? {}).length, 48);
});

test('of a long text a short copy is kept, and not the whole', () => {
  const long = 'x'.repeat(4_000_000);
  const heldBefore = held();
  const kept = Array.from({ length: 8 }, () =>
    decodeExport(asJson({ name: 'n', attributes: [{ key: 'k', value: { stringValue: long } }] }), true),
  );
  assert.equal(String(kept[0]?.[0]?.attributes.k).length, 300);
  assert.ok(held() - heldBefore < 10_000_000, `${held() - heldBefore} bytes are held`);
  // A cut may fall between the halves of a character.
  const [span] = decodeExport(asJson({ name: `${'x'.repeat(299)}\u{1f600}` }), true);
  assert.equal(span?.name, `${'x'.repeat(299)}\ufffd`);
});

function held(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

test('what is small as bytes and large as objects is refused before it is made', () => {
  const json = (text: string) => () => decodeExport(Buffer.from(text), true);
  const list = (item: string, count: number) => `[${Array(count).fill(item).join(',')}]`;
  const spans = (item: string, count: number) => `{"resourceSpans":[{"scopeSpans":[{"spans":${list(item, count)}}]}]}`;
  assert.throws(json(spans('{}', 60_000)), /10000/);
  assert.throws(json(spans('[]', 300_000)), /more than 250000 values/);
  assert.throws(json(`{"resourceSpans":${list('{}', 1_001)}}`), /1000/);
  const scopes = list(`{"spans":[${JSON.stringify({ traceId, spanId, startTimeUnixNano: 1 })}]}`, 900);
  assert.throws(json(`{"resourceSpans":${list(`{"scopeSpans":${scopes}}`, 12)}}`), /more than 10000 spans/);
  // The first that is wrong ends it.
  assert.throws(json(spans('{}', 9_000)), (error: z.ZodError) => error.issues.length <= 3);
  const attributes = `[${'0,'.repeat(200_000)}0]`;
  assert.throws(json(spans(`{"attributes":${attributes}}`, 1)), (error: z.ZodError) => error.issues.length < 100);
  for (const empty of [
    [0x0a, 0x00],
    [0x12, 0x00],
  ]) {
    const body = Buffer.concat(Array<Buffer>(2_000_000).fill(Buffer.from(empty)));
    assert.throws(() => decodeExport(body, false), /more than 200000 fields/);
  }
});
