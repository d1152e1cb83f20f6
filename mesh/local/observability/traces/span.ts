import { z } from 'zod';

/** One span, as it is kept. */
export type Span = {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly service: string;
  readonly kind: SpanKind;
  /** Since 1970, to a microsecond. */
  readonly startMs: number;
  readonly durationMs: number;
  /** What went wrong, perhaps an empty text; undefined when nothing did. */
  readonly error?: string | undefined;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly events: readonly { readonly name: string; readonly atMs: number; readonly detail: string }[];
};

/** As OpenTelemetry numbers them. */
export const spanKinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
export type SpanKind = (typeof spanKinds)[number];

const spanSchema: z.ZodType<Span> = z.object({
  ...{ traceId: z.string(), spanId: z.string(), parentSpanId: z.string(), name: z.string(), service: z.string() },
  ...{ kind: z.enum(spanKinds), startMs: z.number(), durationMs: z.number(), error: z.string().optional() },
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  events: z.array(z.object({ name: z.string(), atMs: z.number(), detail: z.string() })),
});

/** Whether a line of a file is one. */
export function isSpan(value: unknown): value is Span {
  return spanSchema.safeParse(value).success;
}

/** By which name each of those who make spans writes down the id that an answer has in `x-request-id`. */
const requestIdAttributes = ['guid:x-request-id', 'oxo.request_id', 'request_id'];

/** The request id that a span tells, if it does. */
export function requestIdOf({ attributes }: Pick<Span, 'attributes'>): string | undefined {
  const found = requestIdAttributes.map((name) => attributes[name]).find((value) => typeof value === 'string');
  return found === undefined ? undefined : String(found);
}
