import { createLocalJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';
import { type Clock, systemClock } from '#kit/clock.ts';
import { createDenyList, type DenyList } from '#kit/identity/deny-list.ts';
import {
  ACCESS_TOKEN_TYPE,
  createTokenVerifier,
  SERVICE_AUDIENCE,
  type TokenVerifier,
  USER_AUDIENCE,
} from '#kit/identity/token-verifier.ts';
import { newId } from '#kit/ids.ts';

/** How long the token of a service holds. */
export const SERVICE_TOKEN_SECONDS = 300;

export interface TestIssuer {
  issuer: string;
  /** Its public key, for a service that runs as a process of its own and fetches it. */
  jwks: JSONWebKeySet;
  verifier: TokenVerifier;
  denyList: DenyList;
  /** An access token of a person; all first-party scopes, of a sign-in just now, unless told. */
  userToken(
    userId: string,
    claims?: { scope?: string; sessionId?: string; lifetimeSeconds?: number; signedInAtMs?: number },
  ): Promise<string>;
  /** The token of one of our services. */
  serviceToken(service: string): Promise<string>;
}

const ALL_SCOPES =
  'profile:read profile:write posts:read posts:write follows:write feed:read media:write notifications:read notifications:write';

/** An issuer of tokens with a key of its own, and the verifier that trusts it. */
export async function createTestIssuer(clock: Clock = systemClock): Promise<TestIssuer> {
  const issuer = 'http://issuer.test';
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'RS256', use: 'sig' }] };
  const keys = createLocalJWKSet(jwks);
  const denyList = createDenyList(clock);

  function sign(subject: string, audience: string, claims: Record<string, string | number>, lifetimeSeconds: number) {
    const nowSeconds = Math.floor(clock.nowMs() / 1_000);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', typ: ACCESS_TOKEN_TYPE, kid: 'test' })
      .setIssuer(issuer)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + lifetimeSeconds)
      .setJti(newId(clock.nowMs()))
      .sign(privateKey);
  }

  return {
    issuer,
    jwks,
    denyList,
    verifier: createTokenVerifier({ keys, issuer, denyList, clock }),
    userToken(userId, claims = {}) {
      const nowMs = clock.nowMs();
      const { scope = ALL_SCOPES, sessionId = newId(nowMs), lifetimeSeconds = 900, signedInAtMs = nowMs } = claims;
      const auth_time = Math.floor(signedInAtMs / 1_000);
      return sign(userId, USER_AUDIENCE, { scope, sid: sessionId, client_id: 'oxo', auth_time }, lifetimeSeconds);
    },
    serviceToken: (service) => sign(`service:${service}`, SERVICE_AUDIENCE, {}, SERVICE_TOKEN_SECONDS),
  };
}
