import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface TokenClaims {
  issuer?: string;
  audience?: string;
  subject?: string;
  clientId?: string;
  /** Of its session or grant. */
  sid?: string;
  /** Seconds from now; negative: already expired. */
  expiresInSeconds?: number;
}

/** Serves one public key at /.well-known/jwks.json and signs tokens with its private half. */
export interface Issuer {
  port: number;
  token(claims?: TokenClaims): Promise<string>;
  /** A token of the same form, signed by a key that is in no JWKS. */
  forgedToken(): Promise<string>;
  stop(): Promise<void>;
}

export async function startIssuer(issuer: string): Promise<Issuer> {
  const [own, stranger] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sign = (key: typeof own.privateKey, claims: TokenClaims = {}): Promise<string> =>
    new SignJWT({ sid: claims.sid ?? 's1', client_id: claims.clientId ?? 'oxo', scope: 'posts:write feed:read' })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'k1' })
      .setSubject(claims.subject ?? '0198c0de-0000-7000-8000-000000000001')
      .setIssuer(claims.issuer ?? issuer)
      .setAudience(claims.audience ?? 'oxo-api')
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + (claims.expiresInSeconds ?? 900))
      .sign(key);
  return {
    port: (server.address() as AddressInfo).port,
    token: (claims) => sign(own.privateKey, claims),
    forgedToken: () => sign(stranger.privateKey),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
