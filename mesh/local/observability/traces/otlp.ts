import protobuf from 'protobufjs';
import { z } from 'zod';
import { type Span, spanKinds } from './span.ts';

/** What we read of opentelemetry.proto.collector.trace.v1; Envoy sends it as Protobuf, our services as JSON. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message KeyValue { string key = 1; Value value = 2; }
  message Value { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; repeated Event events = 11; Status status = 15;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Status { string message = 2; int32 code = 3; }
`);
const requestType = root.lookupType('Request');

/** Of one span: more is cut off. */
const max = { attributes: 48, keyLength: 100, textLength: 300, events: 16 };
/** Of one export: with more it is refused, before much is made of it. Ours have 512 spans, Envoy's fewer. */
const maxOfExport = { spans: 10_000, groups: 1_000, jsonValues: 250_000, protobufFields: 200_000 };
const errorCode = 2;

const hexId = (digits: number) =>
  z.union([z.string(), z.instanceof(Uint8Array)]).transform((id, context) => {
    const text = typeof id === 'string' ? id.toLowerCase() : Buffer.from(id).toString('hex');
    if (new RegExp(`^[0-9a-f]{${digits}}$`).test(text)) return text;
    context.addIssue({ code: 'custom', message: `must be ${digits} hexadecimal digits` });
    return z.NEVER;
  });
/** Nanoseconds since 1970, as text or as a number that has lost some. */
const time = z.union([z.string().regex(/^\d{1,20}$/), z.number().int().nonnegative()]);
const shortText = z.string().transform((text) => cut(text, max.textLength));
/** The first ones; the others are not looked at. */
const firstOf = <Item extends z.ZodType>(item: Item, count: number) =>
  z.preprocess((list) => (Array.isArray(list) ? list.slice(0, count) : list), z.array(item).default([]));
const keyValue = z.object({
  key: z.string().transform((key) => cut(key, max.keyLength)),
  value: z
    .object({
      stringValue: shortText.optional(),
      boolValue: z.boolean().optional(),
      intValue: z.union([z.number(), z.string().regex(/^-?\d{1,20}$/)]).optional(),
      doubleValue: z.number().optional(),
    })
    .optional(),
});
const spanSchema = z.object({
  traceId: hexId(32),
  spanId: hexId(16),
  parentSpanId: z.union([z.literal(''), hexId(16)]).default(''),
  name: shortText.default(''),
  kind: z.number().default(0),
  startTimeUnixNano: time,
  endTimeUnixNano: time.default(0),
  attributes: firstOf(keyValue, max.attributes),
  events: firstOf(
    z.object({
      timeUnixNano: time.default(0),
      name: shortText.default(''),
      attributes: firstOf(keyValue, max.attributes),
    }),
    max.events,
  ),
  status: z.object({ message: shortText.optional(), code: z.number().optional() }).default({}),
});
/** Each is read by itself, so that the first that is wrong ends it: zod would go on, and tell of all. */
const manyOf = (count: number) => z.array(z.unknown()).max(count).default([]);
const requestSchema = z.object({ resourceSpans: manyOf(maxOfExport.groups) });
const resourceSpansSchema = z.object({
  resource: z.object({ attributes: firstOf(keyValue, max.attributes) }).default({ attributes: [] }),
  scopeSpans: manyOf(maxOfExport.groups),
});
const scopeSpansSchema = z.object({ spans: manyOf(maxOfExport.spans) });

/**
 * The spans of one export.
 * @throws Error (of zod, protobufjs or JSON) when it is none, or has too much
 */
export function decodeExport(body: Buffer, isJson: boolean): Span[] {
  const spans: Span[] = [];
  for (const group of requestSchema.parse(isJson ? readJson(body) : readProtobuf(body)).resourceSpans) {
    const { resource, scopeSpans } = resourceSpansSchema.parse(group);
    const service = String(attributesOf(resource.attributes)['service.name'] ?? '');
    for (const scope of scopeSpans) {
      for (const span of scopeSpansSchema.parse(scope).spans) {
        if (spans.length >= maxOfExport.spans) throw new Error(`more than ${maxOfExport.spans} spans`);
        spans.push(spanOf(spanSchema.parse(span), service));
      }
    }
  }
  return spans;
}

/** Few bytes make an object, and an object takes many. */
function readJson(body: Buffer): unknown {
  let values = 0;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === 0x7b || byte === 0x5b || byte === 0x2c) values += 1;
  }
  if (values > maxOfExport.jsonValues) throw new Error(`more than ${maxOfExport.jsonValues} values`);
  return JSON.parse(body.toString());
}

/** As with JSON: two bytes are a message. Each field begins with its tag. */
function readProtobuf(body: Buffer): unknown {
  const reader = protobuf.Reader.create(body);
  const readTag = reader.tag;
  let fields = 0;
  reader.tag = () => {
    fields += 1;
    if (fields > maxOfExport.protobufFields) throw new Error(`more than ${maxOfExport.protobufFields} fields`);
    return readTag.call(reader);
  };
  return requestType.toObject(requestType.decode(reader), { longs: String });
}

function spanOf(span: z.infer<typeof spanSchema>, service: string): Span {
  const startMs = milliseconds(span.startTimeUnixNano);
  const isError = span.status.code === errorCode;
  return {
    ...{
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      name: span.name,
      service,
      startMs,
    },
    kind: spanKinds[span.kind] ?? 'unspecified',
    durationMs: Math.max(0, rounded(milliseconds(span.endTimeUnixNano) - startMs)),
    ...(isError ? { error: span.status.message ?? '' } : {}),
    attributes: attributesOf(span.attributes),
    events: span.events.map(({ name, timeUnixNano, attributes }) => ({
      name,
      atMs: milliseconds(timeUnixNano),
      detail: cut(Object.values(attributesOf(attributes)).join(' '), max.textLength),
    })),
  };
}

function attributesOf(pairs: readonly z.infer<typeof keyValue>[]): Span['attributes'] {
  const read = pairs.flatMap(({ key, value = {} }) => {
    const { stringValue, boolValue, intValue, doubleValue } = value;
    const found = stringValue ?? boolValue ?? (intValue === undefined ? doubleValue : Number(intValue));
    return found === undefined ? [] : [[key, found] as const];
  });
  return Object.fromEntries(read);
}

/** To a microsecond, for which a double has room. */
function milliseconds(nanoseconds: string | number): number {
  return Number(BigInt(nanoseconds) / 1_000n) / 1_000;
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}

/** Its beginning, copied: a slice would keep the whole alive. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(0, length)).toString();
}
