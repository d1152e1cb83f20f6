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
const shortText = z.string().transform((text) => text.slice(0, max.textLength));
const keyValue = z.object({
  key: z.string().transform((key) => key.slice(0, max.keyLength)),
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
  attributes: z.array(keyValue).default([]),
  events: z
    .array(
      z.object({
        timeUnixNano: time.default(0),
        name: shortText.default(''),
        attributes: z.array(keyValue).default([]),
      }),
    )
    .default([]),
  status: z.object({ message: shortText.optional(), code: z.number().optional() }).default({}),
});
const requestSchema = z.object({
  resourceSpans: z
    .array(
      z.object({
        resource: z.object({ attributes: z.array(keyValue).default([]) }).default({ attributes: [] }),
        scopeSpans: z.array(z.object({ spans: z.array(spanSchema).default([]) })).default([]),
      }),
    )
    .default([]),
});

/**
 * The spans of one export.
 * @throws Error (of zod, protobufjs or JSON) when it is none
 */
export function decodeExport(body: Buffer, isJson: boolean): Span[] {
  const received: unknown = isJson
    ? JSON.parse(body.toString())
    : requestType.toObject(requestType.decode(body), { longs: String });
  return requestSchema.parse(received).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource.attributes)['service.name'] ?? '');
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => spanOf(span, service)));
  });
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
    events: span.events.slice(0, max.events).map(({ name, timeUnixNano, attributes }) => ({
      name,
      atMs: milliseconds(timeUnixNano),
      detail: Object.values(attributesOf(attributes)).join(' ').slice(0, max.textLength),
    })),
  };
}

function attributesOf(pairs: readonly z.infer<typeof keyValue>[]): Span['attributes'] {
  const read = pairs.slice(0, max.attributes).flatMap(({ key, value = {} }) => {
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
