import { Agent, request as send } from 'node:http';
import { type ErrorBody, openContract, type RawAnswer } from './openapi.ts';

/** One request; `path` stands on the wire as it is. */
export type ApiRequest = {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below /api/v1 unless it begins with `//`, which stands for the root. */
  readonly path: string;
  readonly token?: string | undefined;
  /** JSON, or bytes that are sent as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Answer = Pick<RawAnswer, 'status' | 'headers'> & { readonly body: unknown };

/** A client of the front door that believes no answer which the contract does not allow. */
export type Api = {
  /** Gives any answer that the contract allows. @throws ContractError */
  readonly call: (request: ApiRequest) => Promise<Answer>;
  /** Gives the body of a success. @throws ApiError on every error that the server answers */
  readonly get: <Body>(request: ApiRequest) => Promise<Body>;
  readonly close: () => void;
};

/** An error that the server answered, in the one shape. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly requestId: string | undefined;
  /** Names of the fields that are wrong. */
  readonly fields: readonly string[];

  constructor(request: ApiRequest, status: number, body: ErrorBody) {
    super(`${request.method ?? 'GET'} ${request.path} answered ${status}: ${body.message}`);
    const info = body.details.find((detail) => detail.reason !== undefined);
    this.status = status;
    this.reason = info?.reason ?? '';
    this.requestId = info?.metadata?.requestId;
    this.fields = body.details.flatMap((detail) => (detail.fieldViolations ?? []).map(({ field }) => field));
  }
}

const timeoutMs = 30_000;
const contract = openContract();

/** @param frontDoor without a slash at the end */
export function createApi(frontDoor: string): Api {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  async function call(request: ApiRequest): Promise<Answer> {
    const raw = await exchange(agent, frontDoor, request);
    return { status: raw.status, headers: raw.headers, body: contract.check(raw) };
  }

  return {
    call,
    async get<Body>(request: ApiRequest) {
      const { status, body } = await call(request);
      if (status >= 400) throw new ApiError(request, status, body as ErrorBody);
      return body as Body;
    },
    close: () => agent.destroy(),
  };
}

/** The error that a call is answered with. @throws Error when it succeeds */
export async function refusal(api: Api, request: ApiRequest): Promise<ApiError> {
  const { status, body } = await api.call(request);
  if (status < 400) throw new Error(`${request.method ?? 'GET'} ${request.path} was not refused: ${status}`);
  return new ApiError(request, status, body as ErrorBody);
}

function exchange(agent: Agent, frontDoor: string, request: ApiRequest): Promise<RawAnswer> {
  const { method = 'GET', token } = request;
  const path = request.path.startsWith('//') ? request.path.slice(1) : `/api/v1${request.path}`;
  const body = encodeBody(request.body);
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
    ...request.headers,
  };
  const { hostname, port } = new URL(frontDoor);
  return new Promise((resolve, reject) => {
    const outgoing = send({ agent, hostname, port, method, path, headers, timeout: timeoutMs }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const received = incoming.headers as Record<string, string | undefined>;
        resolve({ method, path, status: incoming.statusCode ?? 0, headers: received, body: Buffer.concat(chunks) });
      });
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer in ${timeoutMs} ms`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

function encodeBody(body: unknown): Buffer | undefined {
  if (body === undefined || body instanceof Buffer) return body;
  return Buffer.from(JSON.stringify(body));
}
