import { isAbortError } from 'abort-controller-x';
import {
  type CallContext as BareCallContext,
  type Metadata,
  ServerError,
  type ServerMiddlewareCall,
  Status,
} from 'nice-grpc-common';
import type { Clock } from '#kit/clock.ts';
import { OxoError, type Reason } from '#kit/errors.ts';
import { type Authorize, accessRuleOf, isInternal, type MethodOptions, successStatusOf } from '#kit/identity/access.ts';
import type { TokenVerifier } from '#kit/identity/token-verifier.ts';
import { newId } from '#kit/ids.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics, RpcRecorder } from '#kit/observability/metrics.ts';
import { isFailure, noteStatus, rpcAttributes } from '#kit/observability/semantics.ts';
import {
  type Context,
  extractTrace,
  failSpan,
  type Span,
  SpanKind,
  startSpan,
  withParent,
  withRequestId,
  withTraceContext,
} from '#kit/observability/trace.ts';
import { type AdmissionLimits, createAdmission, type Rank } from '#kit/rpc/admission.ts';
import type { CallContextExtension } from '#kit/rpc/context.ts';
import { MALFORMED_REQUEST } from '#kit/rpc/requests.ts';
import { toServerError } from '#kit/rpc/status-details.ts';

/** Metadata by which a call tells how long its caller still waits: Envoy's for calls from outside, ours between services. */
const TIMEOUT_HEADERS = ['x-oxo-timeout-ms', 'x-envoy-expected-rq-timeout-ms'] as const;
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 60_000;
const REQUEST_ID = /^[\w-]{1,64}$/;

export interface MiddlewareOptions {
  verifier: TokenVerifier;
  metrics: Metrics;
  logger: Logger;
  clock: Clock;
  /** More calls are refused with UNAVAILABLE instead of queued. */
  limits: AdmissionLimits;
}

/** What is known of an RPC before any call of it. */
export interface MethodRules {
  authorize: Authorize;
  rank: Rank;
  successStatus: string | undefined;
  recorder: RpcRecorder;
}

/** Reads the rules of a method from its contract. @throws Error when it declares no access */
export function rulesOf(path: string, method: MethodContract, metrics: Metrics): MethodRules {
  const { options } = method;
  const status = successStatusOf(options);
  return {
    authorize: accessRuleOf(path, options),
    rank: rankOf(method),
    successStatus: status === 200 ? undefined : String(status),
    recorder: metrics.rpcServer(path.slice(1)),
  };
}

/** What the caller is told, and how it is counted: an error that is not ours has no reason. */
interface Refusal {
  answer: ServerError;
  reason: Reason | 'OTHER';
}

/** What a contract says of one RPC. */
export interface MethodContract {
  options: MethodOptions;
  responseStream: boolean;
}

function rankOf({ options, responseStream }: MethodContract): Rank {
  if (isInternal(options)) return 'neighbour';
  if (responseStream) return 'stream';
  return options.idempotencyLevel === 'NO_SIDE_EFFECTS' ? 'read' : 'write';
}

/**
 * What no handler may forget, around every call: trace, metrics, log, limit on concurrency, request id, deadline, caller and
 * access, HTTP status, and that nothing but an error of ours leaves.
 * @param rules by path; a method without rules is not served
 */
export function createMiddleware(options: MiddlewareOptions, rules: ReadonlyMap<string, MethodRules>) {
  const { verifier, logger, clock, limits } = options;
  const admission = createAdmission(limits);

  async function admit(
    context: BareCallContext,
    rule: MethodRules,
    rpc: string,
    requestId: string,
  ): Promise<CallContextExtension> {
    const { metadata } = context;
    const caller = await rule.authorize(
      { authorization: metadata.get('authorization'), onBehalfOf: metadata.get('x-oxo-on-behalf-of') },
      verifier,
      clock,
    );
    return { caller, rpc, requestId, deadlineMs: clock.nowMs() + timeoutOf(metadata) };
  }

  function refuse(error: unknown, rpc: string, requestId: string, trailer: Metadata): Refusal {
    if (error instanceof ServerError) return { answer: error, reason: 'OTHER' };
    const known = asOxoError(error);
    if (known.reason === 'INTERNAL') logger.error({ err: error, rpc, requestId }, 'call failed');
    else logger.debug({ rpc, requestId, reason: known.reason, detail: known.message }, 'call refused');
    return { answer: toServerError(known, requestId, trailer), reason: known.reason };
  }

  return async function* middleware<Request, Response>(
    call: ServerMiddlewareCall<Request, Response, CallContextExtension>,
    context: BareCallContext,
  ) {
    const startedMs = performance.now();
    const rpc = call.method.path;
    const rule = rules.get(rpc);
    // The server's own health and reflection services have no rules of ours.
    if (rule === undefined) return yield* call.next(call.request as never, context as never);
    const requestId = requestIdOf(context.metadata, clock);
    const scope = openScope(rpc, context.metadata, requestId);
    let code = Status.OK;
    let reason: Refusal['reason'] | undefined;
    let isIn = false;
    try {
      admission.enter(rule.rank);
      isIn = true;
      const extension = await withTraceContext(scope.context, () => admit(context, rule, rpc, requestId));
      if (call.request === MALFORMED_REQUEST)
        throw new OxoError('REQUEST_MALFORMED', 'The request is no such message, or a text in it is no UTF-8.');
      if (rule.successStatus !== undefined) context.header.set('x-http-code', rule.successStatus);
      return yield* within(scope.context, () => call.next(call.request as never, Object.assign(context, extension)));
    } catch (error) {
      const refusal = withTraceContext(scope.context, () => refuse(error, rpc, requestId, context.trailer));
      code = refusal.answer.code;
      reason = refusal.reason;
      if (scope.span !== undefined && isFailure(code)) failSpan(scope.span, error);
      throw refusal.answer;
    } finally {
      if (isIn) admission.leave(rule.rank);
      rule.recorder.record(Status[code] ?? 'UNKNOWN', (performance.now() - startedMs) / 1_000, reason);
      if (scope.span !== undefined) noteStatus(scope.span, code);
      scope.span?.end();
    }
  };
}

/** What the log and all spans of a call are told in; the span is ended by whoever opens it. */
interface Scope {
  context: Context;
  span: Span | undefined;
}

/** The caller has named what is above. */
function openScope(rpc: string, metadata: Metadata, requestId: string): Scope {
  const caller = extractTrace({ traceparent: metadata.get('traceparent'), tracestate: metadata.get('tracestate') });
  const above = withRequestId(caller, requestId);
  const name = rpc.slice(1);
  const attributes = () => ({ ...rpcAttributes(name), 'oxo.request_id': requestId });
  const span = withTraceContext(above, () => startSpan(name, SpanKind.SERVER, attributes));
  return { context: withParent(above, span), span };
}

/** A generator has no context of its own: it runs in that of whoever asks it for its next value, so each step is asked for inside. */
async function* within<Message>(
  context: Context,
  // biome-ignore lint/suspicious/noConfusingVoidType: the type that nice-grpc gives to a stream's end
  next: () => AsyncGenerator<Message, Message | void, undefined>,
) {
  const messages = next();
  for (;;) {
    const step = await withTraceContext(context, () => messages.next());
    if (step.done) return step.value;
    yield step.value;
  }
}

/** Whether an error of a neighbour is worth telling the caller: what it says of our request to it is our own fault. */
const PASSED_ON = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'RATE_LIMITED', 'SESSION_REVOKED']);

function asOxoError(error: unknown): OxoError {
  if (error instanceof OxoError && (!isRemote(error) || PASSED_ON.has(error.reason))) return error;
  if (isAbortError(error)) return new OxoError('CANCELLED', 'The call was cancelled.', { cause: error });
  return new OxoError('INTERNAL', 'Something went wrong on our side. The request id finds it in our logs.', {
    cause: error,
  });
}

function isRemote(error: OxoError): boolean {
  return error.cause instanceof Error && error.cause.name === 'ClientError';
}

function timeoutOf(metadata: Metadata): number {
  for (const header of TIMEOUT_HEADERS) {
    const timeoutMs = Number(metadata.get(header));
    if (timeoutMs > 0) return Math.min(timeoutMs, MAX_TIMEOUT_MS);
  }
  return DEFAULT_TIMEOUT_MS;
}

function requestIdOf(metadata: Metadata, clock: Clock): string {
  const given = metadata.get('x-request-id');
  return given !== undefined && REQUEST_ID.test(given) ? given : newId(clock.nowMs());
}
