/**
 * Spans and trace context for the rest of the kit. Nothing here needs the SDK: without it (or for a trace that is not sampled)
 * `withSpan` only calls the function.
 */
import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { safeMessage } from '#kit/observability/redact.ts';

export { type Attributes, type Context, type Span, SpanKind } from '@opentelemetry/api';

const tracer = trace.getTracer('oxo');
const NOOP_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
const REQUEST_ID = createContextKey('oxo.request_id');
const ALLOWANCE = createContextKey('oxo.spans');

/** Spans below one request or event: what fans out to a million people must not make a trace that nobody can read. */
const MAX_SPANS = 128;

/** What may still be made below the span that began work in this process. */
interface Allowance {
  root: Span;
  left: number;
}

let recording = false;

/** Told by whoever sets up a tracer provider: without one no span is made at all. */
export function startRecording(): void {
  recording = true;
}

/**
 * Whether a span made now would be recorded. A trace begins with a request or an event; work that belongs to none, such as a sweep, makes
 * no spans, which would be orphans.
 */
export function isTraced(kind: SpanKind = SpanKind.INTERNAL): boolean {
  if (!recording) return false;
  const parent = trace.getActiveSpan();
  if (parent === undefined) return isBeginning(kind);
  return (parent.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
}

function isBeginning(kind: SpanKind): boolean {
  return kind === SpanKind.SERVER || kind === SpanKind.CONSUMER;
}

/** Takes one from what may be made; says at the span above how many were not. */
function isAllowed(): boolean {
  const allowance = context.active().getValue(ALLOWANCE) as Allowance | undefined;
  if (allowance === undefined) return true;
  allowance.left -= 1;
  if (allowance.left < 0) allowance.root.setAttribute('oxo.spans_left_out', -allowance.left);
  return allowance.left >= 0;
}

/**
 * Runs `fn` in a span and ends it when the promise settles; an error is recorded, sets the status and is thrown on.
 * Inside a trace that is not sampled no span is made: `fn` gets a span that ignores everything.
 * @param attributes an object, or a function that is called only when the span is recorded.
 */
export function withSpan<T>(
  name: string,
  kind: SpanKind,
  attributes: Attributes | (() => Attributes) | undefined,
  fn: (span: Span) => T,
): T {
  if (!isTraced(kind) || !isAllowed()) return fn(NOOP_SPAN);
  const span = tracer.startSpan(name, { kind });
  if (span.isRecording() && attributes !== undefined) {
    span.setAttributes(typeof attributes === 'function' ? attributes() : attributes);
  }
  const active = context.active();
  const inside = isBeginning(kind) ? withParent(active, span) : trace.setSpan(active, span);
  return context.with(inside, () => runInSpan(span, fn));
}

function runInSpan<T>(span: Span, fn: (span: Span) => T): T {
  let result: T;
  try {
    result = fn(span);
  } catch (error) {
    failSpan(span, error);
    span.end();
    throw error;
  }
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  return result
    .catch((error: unknown) => {
      failSpan(span, error);
      throw error;
    })
    .finally(() => span.end()) as T;
}

/** Marks the span as failed. The message is recorded without addresses and tokens, the stack is left to the log. */
export function failSpan(span: Span, error: unknown): void {
  if (!span.isRecording()) return;
  const [name, message] = [error instanceof Error ? error.name : 'Error', safeMessage(error)];
  span.addEvent('exception', { 'exception.type': name, 'exception.message': message });
  span.setAttribute('error.type', typeOf(error) ?? name);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** One of few: the reason of an error of ours, the SQLSTATE or the code of another. */
function typeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('reason' in error && typeof error.reason === 'string') return error.reason;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Writes `traceparent` (and `tracestate`) of the active context into the carrier. */
export function injectTrace(carrier: Record<string, string>): void {
  propagation.inject(context.active(), carrier);
}

/** The context of work that belongs to no trace. */
export const NO_TRACE: Context = ROOT_CONTEXT;

/** The context that the carrier's `traceparent` names, or NO_TRACE. It has no parent in this process. */
export function extractTrace(carrier: Readonly<Record<string, string | undefined>>): Context {
  if (carrier.traceparent === undefined) return ROOT_CONTEXT;
  return propagation.extract(ROOT_CONTEXT, carrier);
}

/** Runs `fn` with the context active, its asynchronous continuations included. */
export function withTraceContext<T>(traceContext: Context, fn: () => T): T {
  return context.with(traceContext, fn);
}

/** A span that the caller ends, in the active context; undefined when the trace is not sampled. For work that is no one function. */
export function startSpan(name: string, kind: SpanKind, attributes: () => Attributes): Span | undefined {
  return isTraced(kind) && isAllowed() ? tracer.startSpan(name, { kind, attributes: attributes() }) : undefined;
}

/** The context in which the span, of a request or an event, is above all that follows; the context itself when there is no span. */
export function withParent(traceContext: Context, span: Span | undefined): Context {
  if (span === undefined) return traceContext;
  const allowance: Allowance = { root: span, left: MAX_SPANS };
  return trace.setSpan(traceContext, span).setValue(ALLOWANCE, allowance);
}

/** The context of work on a request, or on an event that it has led to: the id stands in every line of the log. */
export function withRequestId(traceContext: Context, requestId: string | undefined): Context {
  return requestId === undefined ? traceContext : traceContext.setValue(REQUEST_ID, requestId);
}

/** The id of the request that is worked on. */
export function activeRequestId(): string | undefined {
  return context.active().getValue(REQUEST_ID) as string | undefined;
}
