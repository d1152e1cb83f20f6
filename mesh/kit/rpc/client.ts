import { setTimeout as setTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import {
  type CallOptions,
  type Client,
  ClientError,
  type ClientMiddlewareCall,
  createChannel,
  createClientFactory,
  Metadata,
  Status,
  type TsProtoServiceDefinition,
} from 'nice-grpc';
import { hasReason, OxoError } from '#kit/errors.ts';
import type { MethodOptions } from '#kit/identity/access.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { ServiceTokens } from '#kit/identity/service-token.ts';
import { noteStatus, rpcAttributes } from '#kit/observability/semantics.ts';
import { injectTrace, type Span, SpanKind, withSpan } from '#kit/observability/trace.ts';
import type { CallContext, RequestContext } from '#kit/rpc/context.ts';
import { quietGrpc } from '#kit/rpc/quiet.ts';
import { createRetryBudget } from '#kit/rpc/retry-budget.ts';
import { fromClientError } from '#kit/rpc/status-details.ts';

/** A client of another service, by its stub. Its errors are OxoErrors. */
export type RpcClient<Service extends TsProtoServiceDefinition> = Client<Service>;

export interface Channel {
  /** A client of one contract that the server at this address serves. */
  client<Service extends TsProtoServiceDefinition>(definition: Service): RpcClient<Service>;
  close(): void;
}

const TIMEOUT_HEADER = 'x-oxo-timeout-ms';
const DEFAULT_TIMEOUT_MS = 5_000;
/** Each hop gives the next a little less than it has itself, so that the caller hears an error and not silence. */
const HOP_MS = 50;
const MIN_TIMEOUT_MS = 10;
const MAX_ATTEMPTS = 3;
const FIRST_RETRY_DELAY_MS = 25;
/** Each call takes the next replica that is connected. */
const TAKE_TURNS = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

/**
 * Opens a channel to another service. Every call carries this service's own token, the trace and a deadline; calls of RPCs
 * that are marked with an `idempotency_level` are tried again when the server is UNAVAILABLE, within a budget.
 * @param address host:port, or ip:port,ip:port,… of replicas, which take turns: see `setting.address`
 * @param tokens this service's own token; undefined for calls to open RPCs
 */
export function openChannel(address: string, tokens: ServiceTokens | undefined): Channel {
  quietGrpc();
  const channel = createChannel(isList(address) ? `ipv4:${address}` : address, undefined, {
    ...(isList(address) ? { 'grpc.service_config': TAKE_TURNS } : {}),
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  const budget = createRetryBudget();

  async function* attempt<Request, Response>(
    call: ClientMiddlewareCall<Request, Response>,
    options: CallOptions,
    timeoutMs: number,
  ) {
    const limit = limitTime(timeoutMs, options.signal);
    let trailer: Metadata | undefined;
    try {
      const onTrailer = (received: Metadata) => {
        trailer = received;
      };
      return yield* call.next(call.request as never, { ...options, signal: limit.signal, onTrailer });
    } catch (error) {
      if (error instanceof ClientError) throw fromClientError(error, trailer);
      if (limit.expired)
        throw new OxoError('DEADLINE_EXCEEDED', `${call.method.path} gave no answer in time.`, { cause: error });
      throw error;
    } finally {
      limit.clear();
    }
  }

  async function* middleware<Request, Response>(call: ClientMiddlewareCall<Request, Response>, options: CallOptions) {
    const idempotent = (call.method.options as MethodOptions).idempotencyLevel !== undefined;
    const attempts = idempotent && !call.requestStream && !call.responseStream ? MAX_ATTEMPTS : 1;
    const metadata = Metadata(options.metadata);
    if (tokens !== undefined) metadata.set('authorization', `Bearer ${await tokens()}`);
    const timeoutMs = Number(metadata.get(TIMEOUT_HEADER) ?? DEFAULT_TIMEOUT_MS);
    for (let number = 1; ; number += 1) {
      try {
        return yield* attempt(call, { ...options, metadata }, timeoutMs);
      } catch (error) {
        const again = number < attempts && hasReason(error, 'UNAVAILABLE') && !options.signal?.aborted;
        if (!again || !budget.take()) throw error;
        await setTimeout(FIRST_RETRY_DELAY_MS * 2 ** number * (0.5 + Math.random() / 2));
      }
    }
  }

  const factory = createClientFactory().use(middleware);
  return {
    client: (definition) => withSpans(definition, factory.create(definition, channel)),
    close: () => channel.close(),
  };
}

function isList(address: string): boolean {
  return address.includes(',');
}

/** A generator has no trace context of its own, so the span of a call is opened around the stub's method. */
function withSpans<Service extends TsProtoServiceDefinition>(
  definition: Service,
  client: Client<Service>,
): Client<Service> {
  const methods = Object.entries(definition.methods).map(([name, method]) => {
    const call = client[name as keyof Client<Service>] as (request: unknown, options?: CallOptions) => unknown;
    const spanName = `${definition.fullName}/${method.name}`;
    const traced = (request: unknown, options?: CallOptions) =>
      withSpan(
        spanName,
        SpanKind.CLIENT,
        () => rpcAttributes(spanName),
        (span) => withStatus(span, call(request, withTrace(options))),
      );
    return [name, traced] as const;
  });
  return Object.fromEntries(methods) as Client<Service>;
}

/** Of a stream nothing is known yet when its span ends. */
function withStatus(span: Span, answer: unknown): unknown {
  if (!span.isRecording() || !(answer instanceof Promise)) return answer;
  return answer.then(
    (response: unknown) => {
      noteStatus(span, Status.OK);
      return response;
    },
    (error: unknown) => {
      noteStatus(span, error instanceof OxoError ? error.code : Status.UNKNOWN);
      throw error;
    },
  );
}

function withTrace(options: CallOptions = {}): CallOptions {
  const headers: Record<string, string> = {};
  injectTrace(headers);
  const metadata = Metadata(options.metadata);
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return { ...options, metadata };
}

/** Aborts an attempt when its time is over or its caller went away. */
function limitTime(timeoutMs: number, signal: AbortSignal | undefined) {
  const abort = new AbortController();
  const giveUp = () => abort.abort();
  const limit = {
    signal: abort.signal,
    expired: false,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    },
  };
  const timer = setTimer(() => {
    limit.expired = true;
    giveUp();
  }, timeoutMs);
  if (signal?.aborted) giveUp();
  else signal?.addEventListener('abort', giveUp, { once: true });
  return limit;
}

/**
 * Options for a call that a service makes for itself while it answers this call: same request id, what is left of the time.
 * @param timeoutMs for calls that are known to take longer than the default of 5 seconds
 */
export function asService(context: RequestContext, timeoutMs = DEFAULT_TIMEOUT_MS): CallOptions {
  const leftMs = context.deadlineMs === undefined ? timeoutMs : context.deadlineMs - Date.now() - HOP_MS;
  const limitMs = Math.min(timeoutMs, Math.max(MIN_TIMEOUT_MS, leftMs));
  return {
    metadata: Metadata({ 'x-request-id': context.requestId, [TIMEOUT_HEADER]: String(limitMs) }),
    signal: context.signal,
  };
}

/** Options for a call that is made on behalf of the person who makes this call. @throws OxoError when there is none */
export function onBehalfOf(context: CallContext): CallOptions {
  const options = asService(context);
  return { ...options, metadata: Metadata(options.metadata).set('x-oxo-on-behalf-of', requireViewer(context).token) };
}
