/**
 * Spans and trace context for the rest of the kit. Nothing here needs the SDK: without it (or for a trace that is not sampled)
 * `withSpan` only calls the function.
 */
import {
  type Attributes,
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { scrubText } from '#kit/observability/redact.ts';

export { type Context, type Span, SpanKind } from '@opentelemetry/api';

const tracer = trace.getTracer('oxo');
const NOOP_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

let recording = false;

/** Told by whoever sets up a tracer provider: without one no span is made at all. */
export function startRecording(): void {
  recording = true;
}

/** Whether spans made now would be recorded or begin a new trace. Ask before building costly attributes. */
export function isTraced(): boolean {
  if (!recording) return false;
  const parent = trace.getActiveSpan();
  return parent === undefined || (parent.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
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
  if (!isTraced()) return fn(NOOP_SPAN);
  const span = tracer.startSpan(name, { kind });
  if (span.isRecording() && attributes !== undefined) {
    span.setAttributes(typeof attributes === 'function' ? attributes() : attributes);
  }
  return context.with(trace.setSpan(context.active(), span), () => runInSpan(span, fn));
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
  const name = error instanceof Error ? error.name : 'Error';
  const message = scrubText(error instanceof Error ? error.message : String(error));
  span.addEvent('exception', { 'exception.type': name, 'exception.message': message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
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
export function startSpan(name: string, kind: SpanKind): Span | undefined {
  return isTraced() ? tracer.startSpan(name, { kind }) : undefined;
}

/** The context in which the span is the parent of what follows; the context itself when there is no span. */
export function withParent(traceContext: Context, span: Span | undefined): Context {
  return span === undefined ? traceContext : trace.setSpan(traceContext, span);
}
