import assert from 'node:assert/strict';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Status } from 'nice-grpc-common';
import { ErrorInfo } from '#gen/google/rpc/error_details.ts';
import { Status as RpcStatus } from '#gen/google/rpc/status.ts';
import { AuthInternalServiceDefinition, IssueServiceTokenRequest } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { systemClock } from '#kit/clock.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { createRpcServer, type RpcServer } from '#kit/rpc/server.ts';
import { createTestIssuer } from '#kit/testing/tokens.ts';

const PATH = '/oxo.auth.v1.AuthInternalService/IssueServiceToken';
/** Field 1, a text of two bytes. */
const TWO_BYTES_OF_TEXT = [0x0a, 2];

let server: RpcServer;
let port: number;
let received: IssueServiceTokenRequest[] = [];

before(async () => {
  const { verifier } = await createTestIssuer();
  const logger = createLogger({ service: 'test', level: 'silent' });
  server = createRpcServer({ verifier, logger, metrics: createMetrics(), clock: systemClock });
  server.add(AuthInternalServiceDefinition, {
    issueServiceToken: async (request) => {
      received.push(request);
      return { accessToken: 'a', expiresIn: 1 };
    },
    disableAccount: () => assert.fail('nobody asks for it'),
    rotateSigningKeys: () => assert.fail('nobody asks for it'),
    rewrapSigningKeys: () => assert.fail('nobody asks for it'),
    dropServiceSecrets: () => assert.fail('nobody asks for it'),
  });
  port = await server.listen('127.0.0.1:0');
});
after(() => server.close());

/** What no gRPC library would send. Gives headers and trailers of the answer. */
async function callBare(
  message: Uint8Array,
  headers: Record<string, string> = {},
  isCompressed = false,
): Promise<IncomingHttpHeaders> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const fixed = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...fixed, ...headers });
    const frame = Buffer.alloc(5 + message.length, message.length);
    frame.writeUIntBE(message.length, 0, 5);
    frame.set(message, 5);
    if (isCompressed) frame[0] = 1;
    stream.end(frame);
    const answer: IncomingHttpHeaders = {};
    stream.on('response', (part) => Object.assign(answer, part));
    stream.on('trailers', (part) => Object.assign(answer, part));
    for await (const _ of stream);
    return answer;
  } finally {
    session.close();
  }
}

test('a request that is no such message is the caller’s fault, and says so', async () => {
  const malformed: Record<string, number[]> = {
    'text cut short': [0x0a, 5, 0x61],
    'an unfinished number': [0xff, 0xff],
    'a group without an end': [0x1b],
    'no UTF-8': [...TWO_BYTES_OF_TEXT, 0xff, 0xfe],
    'half of a character': [...TWO_BYTES_OF_TEXT, 0xc3, 0x28],
    'half of a surrogate pair': [0x0a, 3, 0xed, 0xa0, 0x80],
    'long text that is no UTF-8': [0x0a, 101, ...Array.from({ length: 100 }, () => 0x61), 0xff],
  };
  received = [];
  for (const [what, bytes] of Object.entries(malformed)) {
    const answer = await callBare(Uint8Array.from(bytes), { 'x-request-id': 'r1' });
    assert.equal(answer['grpc-status'], '3', what);
    const status = RpcStatus.decode(Buffer.from(String(answer['grpc-status-details-bin']), 'base64'));
    const { reason, metadata } = ErrorInfo.decode(status.details[0]?.value ?? new Uint8Array());
    assert.deepEqual([reason, metadata], ['REQUEST_MALFORMED', { requestId: 'r1' }], what);
  }
  assert.deepEqual(received, []);
});

test('a compressed message that unfolds to more than a message may have is refused before it has unfolded', async () => {
  received = [];
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const beforeBytes = process.memoryUsage().rss;
  const answer = await callBare(bomb, { 'grpc-encoding': 'gzip' }, true);
  assert.equal(answer['grpc-status'], String(Status.RESOURCE_EXHAUSTED));
  assert.ok(process.memoryUsage().rss - beforeBytes < 32 * 1024 * 1024);
  assert.deepEqual(received, []);
});

test('text arrives as it was sent', async () => {
  received = [];
  const request = { clientId: '\ufeffä👩‍👩‍👧‍👦', clientSecret: 'ß'.repeat(100) };
  assert.equal((await callBare(IssueServiceTokenRequest.encode(request).finish()))['grpc-status'], '0');
  assert.deepEqual(received, [request]);
});

test('headers that gRPC does not take are quoted nowhere', async (t) => {
  const written = t.mock.method(console, 'error', () => undefined);
  const secrets = { authorization: 'Bearer\teyJsecret', cookie: 'session=s\xe9cret', 'odd!name': 'secret' };
  assert.equal((await callBare(new Uint8Array(), secrets))['grpc-status'], '0');
  assert.deepEqual(
    written.mock.calls.map(({ arguments: said }) => said),
    [],
  );
});
