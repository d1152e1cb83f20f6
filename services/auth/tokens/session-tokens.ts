import type { Tokens } from '#gen/oxo/auth/v1/auth.ts';
import type { OpenSession } from '../sessions/sessions.ts';
import { ACCESS_TOKEN_LIFETIME_MS, type TokenIssuer } from './token-issuer.ts';

/** The contract's Tokens of a session. */
export async function sessionTokens(issuer: TokenIssuer, session: OpenSession): Promise<Tokens> {
  const { token } = await issuer.accessToken(session);
  return {
    accessToken: token,
    refreshToken: session.refreshToken,
    tokenType: 'Bearer',
    expiresIn: ACCESS_TOKEN_LIFETIME_MS / 1_000,
  };
}
