import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Access } from '#gen/oxo/common/v1/access.ts';
import { systemClock } from '#kit/clock.ts';
import { type Authorize, accessRuleOf } from '#kit/identity/access.ts';
import type { UserCaller } from '#kit/identity/caller.ts';
import type { TokenVerifier } from '#kit/identity/token-verifier.ts';
import { refused } from '#kit/testing/refused.ts';

let authorize: Authorize;
before(() => {
  authorize = ruleOf(true);
});

function ruleOf(firstParty: boolean): Authorize {
  const bytes = Access.encode(Access.fromPartial({ signedIn: { scopes: ['profile:write'], firstParty } })).finish();
  const option = Buffer.concat([Buffer.of(bytes.length), bytes]);
  return accessRuleOf('/a', { _unknownFields: { [String((50_001 << 3) | 2)]: [option] } });
}

/** A call by a token of this client. */
function call(clientId: string, scope = 'profile:write', rule = authorize) {
  const user: UserCaller = {
    ...{ kind: 'user', userId: 'u', sessionId: 's', clientId, signedInAtMs: 0, token: 't' },
    scopes: new Set([scope]),
  };
  const verifier: TokenVerifier = { verifyUser: () => user, verifyService: () => 'nobody' };
  return rule({ authorization: 'Bearer t', onBehalfOf: undefined }, verifier, systemClock);
}

test('what is for first-party sign-ins is for neither clients nor API keys, whatever their scopes', () => {
  assert.equal((call('oxo') as UserCaller).userId, 'u');
  for (const clientId of ['api-key', 'app', 'OXO', 'oxo ', '']) {
    assert.throws(() => call(clientId), refused('FIRST_PARTY_ONLY'), clientId);
  }
});

test('who lacks a scope is told of what they have shown', () => {
  const rule = ruleOf(false);
  for (const [clientId, shown] of [
    ['api-key', 'API key'],
    ['app', 'access token'],
  ] as const) {
    assert.throws(() => call(clientId, 'profile:read', rule), {
      reason: 'SCOPE_MISSING',
      message: `The ${shown} lacks the scope profile:write.`,
    });
  }
});
