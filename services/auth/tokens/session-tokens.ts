import type { Tokens } from '#gen/oxo/auth/v1/auth.ts';
import { ACCESS_TOKEN_LIFETIME_MS } from '../keys/token-lifetimes.ts';
import type { TokenIssuer, TokenSession } from './token-issuer.ts';

/** The contract's Tokens of a session. */
export async function sessionTokens(
  issuer: TokenIssuer,
  session: TokenSession & { refreshToken: string },
): Promise<Tokens> {
  const { token } = await issuer.accessToken(session);
  return {
    accessToken: token,
    refreshToken: session.refreshToken,
    tokenType: 'Bearer',
    expiresIn: ACCESS_TOKEN_LIFETIME_MS / 1_000,
  };
}
