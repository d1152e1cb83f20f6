import assert from 'node:assert/strict';
import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { type Answer, assertError, call, callHttp2, post } from '../testing/http.ts';
import { everyUpstream } from '../testing/upstreams.ts';

/** Answers every RPC by itself, in the place of a service, as a proxy does: a code and a message, and no details. */
async function startSidecar() {
  let headers: Record<string, string> = {};
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('stream', (stream) => {
    // One frame, as proxies send it: what ends the call stands among the headers.
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { endStream: true });
    stream.resume();
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    says: (code: number, message: string, more: Record<string, string> = {}) => {
      headers = { 'grpc-status': String(code), 'grpc-message': message, ...more };
    },
    stop: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

const challenge = { 'www-authenticate': 'Bearer realm="http://auth", error="invalid_token"' };
const away = { status: 503, code: 14, reason: 'UNAVAILABLE' };
const late = { status: 504, code: 4, reason: 'DEADLINE_EXCEEDED' };
const failed = { status: 500, code: 13, reason: 'INTERNAL' };

describe('a proxy that answers in the place of a service', () => {
  let sidecar: Awaited<ReturnType<typeof startSidecar>>;
  let door: FrontDoor;
  before(async () => {
    sidecar = await startSidecar();
    door = await startFrontDoor({ upstreams: everyUpstream({ host: '127.0.0.1', port: sidecar.port }) });
  });
  after(async () => {
    await door.stop();
    sidecar.stop();
  });

  for (const [code, message, expected, more] of [
    [14, 'no healthy upstream', away],
    [14, 'upstream connect error or disconnect/reset before headers. reset reason: connection "refused"', away],
    [14, 'upstream request timeout', late],
    [4, 'upstream request timeout', late],
    [16, 'Jwks doesn%27t have key to match kid or alg from Jwt', away, challenge],
    [7, 'RBAC: access denied', failed],
    [12, '', failed],
    [2, 'unknown', failed],
    [13, 'a "quoted" \\ word', failed],
  ] as const) {
    it(`has its ${code} "${message}" told in the one shape, as ${expected.reason}`, async () => {
      sidecar.says(code, message, more);
      const headers = { 'x-request-id': 'kept-1' };
      const answers: (Answer | undefined)[] = [
        await call(door, { path: '/api/v1/posts/p1', headers }),
        await post(door, '/api/v1/posts', '{"text":"a"}', headers),
        ...(await callHttp2(door, [{ path: '/api/v1/posts/p1', headers }])),
        await call(door, { path: '/api/v1/feed' }),
      ];
      for (const answer of answers) {
        assert.ok(answer);
        const told = assertError(answer, expected);
        assert.doesNotMatch(told, /RBAC|upstream|Jwk|unknown|quoted/);
        assert.equal(answer.headers['www-authenticate'], undefined);
      }
      assert.equal(answers[0]?.headers['x-request-id'], 'kept-1');
    });
  }

  it('leaves clients of gRPC its code', async () => {
    sidecar.says(14, 'no healthy upstream');
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const path = '/oxo.post.v1.PostService/GetPost';
    const [answer] = await callHttp2(door, [{ method: 'POST', path, headers, body: Buffer.alloc(5) }]);
    assert.equal(answer?.headers['grpc-status'], '14');
  });
});
