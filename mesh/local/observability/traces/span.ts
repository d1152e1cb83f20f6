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

/** By which name each of those who make spans writes down the id that an answer has in `x-request-id`. */
const requestIdAttributes = ['guid:x-request-id', 'oxo.request_id', 'request_id'];

/** The request id that a span tells, if it does. */
export function requestIdOf({ attributes }: Pick<Span, 'attributes'>): string | undefined {
  const found = requestIdAttributes.map((name) => attributes[name]).find((value) => typeof value === 'string');
  return found === undefined ? undefined : String(found);
}
