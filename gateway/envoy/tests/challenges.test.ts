import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type CallContext, ServerError } from 'nice-grpc';
import { ErrorInfo } from '#gen/google/rpc/error_details.ts';
import { Status as RpcStatus } from '#gen/google/rpc/status.ts';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { call, callHttp2 } from '../testing/http.ts';

const path = '/api/v1/users/me';
const rpc = '/oxo.user.v1.UserService/GetMe';

describe('what clients of OAuth are told in WWW-Authenticate', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor();
  });
  after(() => door.stop());

  const told = async (headers: Record<string, string> = {}) => {
    const answer = await call(door, { path, headers });
    return [answer.status, answer.headers['www-authenticate']];
  };
  const refuse = (code: number, reason: string, message: string) =>
    door.upstream.answer(rpc, (_request, context) => fail(context, code, reason, message));

  it('asks for a token where there is none, and says of one that it is bad, whoever has noticed', async () => {
    const authorization = `Bearer ${await door.issuer.token()}`;
    refuse(16, 'TOKEN_MISSING', 'This call needs an access token.');
    assert.deepEqual(await told(), [401, 'Bearer']);
    const expired = `Bearer ${await door.issuer.token({ expiresInSeconds: -60 })}`;
    for (const bad of [expired, 'Bearer garbage', `Bearer ${await door.issuer.forgedToken()}`]) {
      assert.deepEqual(await told({ authorization: bad }), [401, 'Bearer error="invalid_token"'], bad);
    }
    for (const reason of ['TOKEN_INVALID', 'SESSION_REVOKED']) {
      refuse(16, reason, 'Says so.');
      assert.deepEqual(await told({ authorization }), [401, 'Bearer error="invalid_token"']);
    }
    refuse(16, 'SIGN_IN_TOO_OLD', 'error="invalid_token"');
    assert.deepEqual(await told({ authorization }), [401, 'Bearer']);
  });

  it('names the scope that is missing, and asks for nothing where a token would not help', async () => {
    const authorization = `Bearer ${await door.issuer.token()}`;
    for (const shown of ['access token', 'API key']) {
      refuse(7, 'SCOPE_MISSING', `The ${shown} lacks the scope posts:write feed:read.`);
      const challenge = 'Bearer error="insufficient_scope", scope="posts:write feed:read"';
      assert.deepEqual(await told({ authorization }), [403, challenge]);
    }
    refuse(7, 'SCOPE_MISSING', 'You cannot give the scope a"b, which you do not have.');
    assert.deepEqual(await told({ authorization }), [403, 'Bearer error="insufficient_scope"']);
    refuse(7, 'FIRST_PARTY_ONLY', 'Sign in for it.');
    assert.deepEqual(await told({ authorization }), [403, undefined]);
  });

  it('tells clients of gRPC nothing by it', async () => {
    refuse(16, 'TOKEN_MISSING', 'This call needs an access token.');
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const [answer] = await callHttp2(door, [{ method: 'POST', path: rpc, headers, body: Buffer.alloc(5) }]);
    assert.equal(answer?.headers['www-authenticate'], undefined);
  });
});

function fail(context: CallContext, code: number, reason: string, message: string): never {
  const value = ErrorInfo.encode({ reason, domain: 'oxo', metadata: { requestId: 'r1' } }).finish();
  const details = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(value) }];
  context.trailer.set('grpc-status-details-bin', RpcStatus.encode({ code, message, details }).finish());
  throw new ServerError(code, message);
}
