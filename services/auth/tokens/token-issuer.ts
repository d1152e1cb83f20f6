import { SignJWT } from 'jose';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import { FIRST_PARTY_CLIENT } from '#kit/identity/caller.ts';
import { type IssuedToken, SECRET_ID_CLAIM } from '#kit/identity/service-token.ts';
import { ACCESS_TOKEN_TYPE, SERVICE_AUDIENCE, USER_AUDIENCE } from '#kit/identity/token-verifier.ts';
import { newId } from '#kit/ids.ts';
import { SIGNING_ALGORITHM } from '../keys/key-rows.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';
import {
  ACCESS_TOKEN_LIFETIME_MS,
  EXCHANGED_TOKEN_LIFETIME_MS,
  SERVICE_TOKEN_LIFETIME_MS,
} from '../keys/token-lifetimes.ts';
import { API_SCOPES } from './scopes.ts';

/** What first-party sign-ins may do: everything but administration. */
const FIRST_PARTY_SCOPES = API_SCOPES.join(' ');
/** Of sessions that an administrator has opened, besides. */
const ADMIN_SCOPE = 'admin';

/** What a token tells of a session. */
export interface TokenSession {
  accountId: string;
  sessionId: string;
  /** When its person has last shown who they are, in milliseconds since the epoch. */
  signedInAtMs: number;
  /** Absent: it is no administrator's. */
  isAdmin?: boolean;
}

/** What an opaque credential is exchanged for. */
export interface ExchangedToken extends IssuedToken {
  /** The key that signed it: when it is dropped, the token is worth nothing. */
  kid: string;
}

/** Makes the JWTs by which people and our services are known (RFC 9068). */
export interface TokenIssuer {
  /** The access token of a person's session. */
  accessToken(session: TokenSession): Promise<IssuedToken>;
  /** The token that an API key or the access token of a client is exchanged for. It lives no longer than that. */
  exchangedToken(standing: {
    accountId: string;
    sessionId: string;
    clientId: string;
    scopes: readonly string[];
    /** When the credential ends, in milliseconds since the epoch. */
    expiresAtMs: number;
  }): Promise<ExchangedToken>;
  /** The token of one of our services. @param secretId of the secret that it has shown; absent for auth itself */
  serviceToken(service: string, secretId?: string): Promise<IssuedToken>;
}

/** @param options.issuer the public URL of this installation */
export function createTokenIssuer(options: {
  keys: Pick<SigningKeys, 'current'>;
  issuer: string;
  clock: Clock;
}): TokenIssuer {
  const { keys, issuer, clock } = options;

  async function sign(token: {
    subject: string;
    audience: string;
    claims: Record<string, string | number>;
    lifetimeMs: number;
  }): Promise<ExchangedToken> {
    const { kid, privateKey } = keys.current();
    const nowMs = clock.nowMs();
    const nowSeconds = Math.floor(nowMs / 1_000);
    const expiresAtSeconds = Math.floor(nowSeconds + token.lifetimeMs / 1_000);
    const jwt = await new SignJWT(token.claims)
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: ACCESS_TOKEN_TYPE, kid })
      .setIssuer(issuer)
      .setSubject(token.subject)
      .setAudience(token.audience)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(expiresAtSeconds)
      .setJti(newId(nowMs))
      .sign(privateKey);
    return { token: jwt, expiresAtMs: expiresAtSeconds * 1_000, kid };
  }

  return {
    accessToken: ({ accountId, sessionId, signedInAtMs, isAdmin }) =>
      sign({
        subject: accountId,
        audience: USER_AUDIENCE,
        claims: {
          ...{ sid: sessionId, client_id: FIRST_PARTY_CLIENT },
          scope: isAdmin ? `${FIRST_PARTY_SCOPES} ${ADMIN_SCOPE}` : FIRST_PARTY_SCOPES,
          auth_time: Math.floor(signedInAtMs / SECOND_MS),
        },
        lifetimeMs: ACCESS_TOKEN_LIFETIME_MS,
      }),
    exchangedToken: ({ accountId, sessionId, clientId, scopes, expiresAtMs }) =>
      sign({
        subject: accountId,
        audience: USER_AUDIENCE,
        claims: { sid: sessionId, client_id: clientId, scope: scopes.join(' ') },
        lifetimeMs: Math.min(EXCHANGED_TOKEN_LIFETIME_MS, expiresAtMs - clock.nowMs()),
      }),
    serviceToken: (service, secretId) =>
      sign({
        subject: `service:${service}`,
        audience: SERVICE_AUDIENCE,
        claims: secretId === undefined ? {} : { [SECRET_ID_CLAIM]: secretId },
        lifetimeMs: SERVICE_TOKEN_LIFETIME_MS,
      }),
  };
}
