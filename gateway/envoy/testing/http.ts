import assert from 'node:assert/strict';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  bytes: Buffer;
}

export interface Call {
  method?: string;
  /** As it stands on the wire: nothing normalises it. */
  path: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  agent?: Agent;
}

interface Address {
  host: string;
  port: number;
}

/** One HTTP/1.1 request. */
export function call({ host, port }: Address, { method = 'GET', path, headers, body, agent }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, method, path, headers, agent: agent ?? false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes.toString(), bytes });
      });
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** A POST of JSON. */
export function post(address: Address, path: string, body: string | Buffer, headers = {}): Promise<Answer> {
  return call(address, { method: 'POST', path, body, headers: { 'content-type': 'application/json', ...headers } });
}

/** Several requests one after the other on one HTTP/2 connection. */
export async function callHttp2({ host, port }: Address, calls: Call[]): Promise<Answer[]> {
  const session = connectHttp2(`http://${host}:${port}`);
  try {
    const answers: Answer[] = [];
    for (const { method = 'GET', path, headers, body } of calls) {
      const stream = session.request({ ':method': method, ':path': path, ...headers });
      stream.end(body);
      let received: IncomingHttpHeaders & { ':status'?: number } = {};
      stream.once('response', (responseHeaders) => {
        received = responseHeaders;
      });
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      answers.push({ status: received[':status'] ?? 0, headers: received, body: bytes.toString(), bytes });
    }
    return answers;
  } finally {
    session.close();
  }
}

/** Sends bytes as they are and gives back the first answer, head and body. */
export function callRaw({ host, port }: Address, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let received = '';
    const finish = (): void => {
      socket.destroy();
      resolve(received);
    };
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      const [head = '', body] = received.split('\r\n\r\n');
      const length = /^content-length: (\d+)\r?$/m.exec(head)?.[1];
      if (body !== undefined && body.length >= Number(length)) finish();
    });
    socket.once('error', reject);
    socket.once('end', finish);
    socket.write(bytes, 'latin1');
  });
}

/** An agent that keeps one connection. */
export function oneConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

export interface ExpectedError {
  status: number;
  code: number;
  reason: string;
  /** Of the one field violation. */
  field?: string;
}

/** Asserts the one error shape, and gives back its message. */
export function assertError(answer: Answer, expected: ExpectedError): string {
  assert.equal(answer.status, expected.status, answer.body);
  assert.equal(answer.headers['content-type'], 'application/json');
  const { code, message, details, ...rest } = JSON.parse(answer.body);
  assert.deepEqual(rest, {});
  assert.equal(code, expected.code);
  assert.equal(typeof message, 'string');
  const [info, ...others] = details;
  const retryAfter = answer.headers['retry-after'];
  const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfter}s` };
  const isRetryInfo = (detail: { '@type': string }) => detail['@type'] === retryInfo['@type'];
  assert.deepEqual(others.filter(isRetryInfo), retryAfter === undefined ? [] : [retryInfo]);
  const [badRequest, ...more] = others.filter((detail: { '@type': string }) => !isRetryInfo(detail));
  assert.deepEqual(more, []);
  const requestId = answer.headers['x-request-id'];
  assert.equal(typeof requestId, 'string');
  assert.deepEqual(info, {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: expected.reason,
    domain: 'oxo',
    metadata: { requestId },
  });
  assert.equal(badRequest?.fieldViolations[0].field, expected.field);
  return message;
}
