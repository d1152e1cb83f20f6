import { Agent, type IncomingMessage, request as send } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError, messageOf } from '../cli/cli-error.ts';

export type ApiRequest = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below /api/v1. */
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  /** The same request again does no harm. Always so for GET, PUT, DELETE, and with an idempotency key. */
  readonly repeatable?: boolean;
  /** Statuses that are an answer; anything else is an error. Default 200. */
  readonly expected?: readonly number[];
};

export type ApiAnswer = { readonly status: number; readonly body: unknown; readonly attempts: number };

export type ApiClient = {
  /**
   * Sends a request. What is repeatable is sent again, later and later, when the connection breaks or the answer is
   * 429, 502, 503 or 504; anything else only after 429 and 503 with Retry-After, which say that nothing was done.
   * @throws CliError that names the request and shows the answer
   */
  readonly call: (request: ApiRequest) => Promise<ApiAnswer>;
  readonly statistics: () => ApiStatistics;
  readonly close: () => void;
};

export type ApiStatistics = { readonly requests: number; readonly repeats: number };

export type ApiClientOptions = {
  /** Without a slash at the end. */
  readonly frontDoor: string;
  readonly connections: number;
  readonly signal?: AbortSignal;
  /** How often one request is sent at most; 8 when absent. */
  readonly maxAttempts?: number;
  /** Statuses that may pass beside 429, 502, 503 and 504. */
  readonly alsoPassing?: readonly number[];
  /** Told of each answer that is repeated. */
  readonly onRepeat?: (request: ApiRequest, status: number | undefined) => void;
  /** Waiting before the first repetition, in ms; it doubles. Tests make it short. */
  readonly firstWaitMs?: number;
  /** It does not get longer than this; 5,000 when absent. */
  readonly maxWaitMs?: number;
};

type Reply = { readonly status: number; readonly retryAfterMs: number | undefined; readonly text: string };

const defaultFirstWaitMs = 100;
const requestTimeoutMs = 15_000;
const defaultMaxAttempts = 8;
const defaultMaxWaitMs = 5_000;
const maxBodyBytes = 16 * 1024 * 1024;
const passingStatuses = [429, 502, 503, 504];

export function createApiClient(options: ApiClientOptions): ApiClient {
  const { frontDoor, connections, signal, maxAttempts = defaultMaxAttempts } = options;
  const passing = [...passingStatuses, ...(options.alsoPassing ?? [])];
  const agent = new Agent({ keepAlive: true, maxSockets: connections, keepAliveMsecs: 10_000 });
  let requests = 0;
  let repeats = 0;

  async function call(request: ApiRequest): Promise<ApiAnswer> {
    const repeatable = isRepeatable(request);
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      requests += 1;
      let reply: Reply | undefined;
      try {
        reply = await exchange(agent, frontDoor, request, signal);
      } catch (error) {
        if (signal?.aborted || !repeatable || attempt === maxAttempts) throw failed(request, messageOf(error), error);
      }
      if (reply !== undefined) {
        if ((request.expected ?? [200]).includes(reply.status)) return answerOf(request, reply, attempt);
        if (attempt === maxAttempts || !mayRepeat(reply, repeatable, passing)) throw refused(request, reply);
      }
      repeats += 1;
      options.onRepeat?.(request, reply?.status);
      await delay(waitMs(attempt, options, reply?.retryAfterMs), undefined, { signal });
    }
  }
  return { call, statistics: () => ({ requests, repeats }), close: () => agent.destroy() };
}

function isRepeatable({ method, idempotencyKey, repeatable }: ApiRequest): boolean {
  return repeatable ?? (['GET', 'PUT', 'DELETE'].includes(method) || idempotencyKey !== undefined);
}

function mayRepeat(reply: Reply, repeatable: boolean, passing: readonly number[]): boolean {
  if (repeatable) return passing.includes(reply.status) || isBusyTwin(reply);
  return reply.status === 429 || (reply.status === 503 && reply.retryAfterMs !== undefined);
}

/** The first request with the same idempotency key is still at work. */
function isBusyTwin(reply: Reply): boolean {
  return reply.status === 409 && /"code":\s*10\b/.test(reply.text);
}

function waitMs(attempt: number, options: ApiClientOptions, retryAfterMs: number | undefined): number {
  const { firstWaitMs = defaultFirstWaitMs, maxWaitMs = defaultMaxWaitMs } = options;
  const backoffMs = Math.min(maxWaitMs, firstWaitMs * 2 ** (attempt - 1));
  // Spread, so that those who were refused together do not come back together.
  return Math.min(maxWaitMs, Math.max(retryAfterMs ?? 0, backoffMs)) * (0.75 + Math.random() / 2);
}

function exchange(agent: Agent, frontDoor: string, request: ApiRequest, signal?: AbortSignal): Promise<Reply> {
  const { method, path, token, idempotencyKey } = request;
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const headers: Record<string, string | number> = {};
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (body !== undefined) headers['content-length'] = body.length;
  const url = `${frontDoor}/api/v1${path}`;
  return new Promise((resolve, reject) => {
    const outgoing = send(url, { agent, method, headers, timeout: requestTimeoutMs, signal }, (incoming) => {
      readReply(incoming).then(resolve, reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${requestTimeoutMs} ms`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function readReply(incoming: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new Error(`the answer is larger than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  const seconds = Number(incoming.headers['retry-after'] ?? Number.NaN);
  return {
    status: incoming.statusCode ?? 0,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

function answerOf(request: ApiRequest, reply: Reply, attempts: number): ApiAnswer {
  try {
    return { status: reply.status, body: reply.text === '' ? undefined : JSON.parse(reply.text), attempts };
  } catch (error) {
    throw failed(request, `the answer is no JSON: ${reply.text.slice(0, 200)}`, error);
  }
}

function refused(request: ApiRequest, reply: Reply): CliError {
  return new CliError(`${request.method} /api/v1${request.path} answered ${reply.status}`, {
    advice: [reply.text.slice(0, 500), './oxo status shows what runs, ./oxo logs what it says.'],
  });
}

function failed(request: ApiRequest, problem: string, cause: unknown): CliError {
  return new CliError(`${request.method} /api/v1${request.path}: ${problem}`, {
    advice: ['Does the stack run? ./oxo status tells, ./oxo up starts it.'],
    cause,
  });
}
