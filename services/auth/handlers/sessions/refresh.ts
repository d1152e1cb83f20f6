import { z } from 'zod';
import type { RefreshRequest, RefreshResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { OxoError } from '#kit/errors.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { text, validate } from '#kit/validate.ts';
import type { Attempts } from '../../attempts/attempts.ts';
import { askerOf, deviceOf } from '../../origin/device.ts';
import { decodeRefreshToken } from '../../sessions/refresh-token.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import type { TokenFamilies } from '../../sessions/token-families.ts';
import { type CountSignIn, countedAs } from '../../sign-ins/sign-in-metrics.ts';
import { sessionTokens } from '../../tokens/session-tokens.ts';
import type { TokenIssuer } from '../../tokens/token-issuer.ts';

const input = z.object({ refreshToken: text({ minCharacters: 1, maxCharacters: 512, maxBytes: 512 }) });

export interface RefreshDependencies {
  attempts: Attempts;
  sessions: Sessions;
  families: Pick<TokenFamilies, 'isOurs'>;
  issuer: TokenIssuer;
  countSignIn: CountSignIn;
  logger: Logger;
}

/**
 * What is made up is counted, and refused, before anything is read. What was once given out is looked at first: so it passes, when it is right,
 * whatever others in the network have tried.
 * @throws OxoError VALIDATION_FAILED, RATE_LIMITED, REFRESH_TOKEN_INVALID; REFRESH_TOKEN_REUSED, which also revokes the session
 */
export function refresh({ attempts, sessions, families, issuer, countSignIn, logger }: RefreshDependencies) {
  async function goOn(refreshToken: string, context: CallContext): Promise<RefreshResponse> {
    const { network } = askerOf(context);
    const token = decodeRefreshToken(refreshToken);
    const isOurs = token !== undefined && families.isOurs(token);
    const attempt = isOurs ? undefined : await attempts.refresh(network);
    if (token === undefined) throw unknownToken();
    const refreshed = await sessions.refresh(token, deviceOf(context), context);
    switch (refreshed.outcome) {
      case 'REFRESHED':
        attempt?.giveBack();
        return { tokens: await sessionTokens(issuer, refreshed.session) };
      case 'REUSED':
        logger.warn({ sessionId: token.sessionId }, 'a consumed refresh token was used: the session is revoked');
        throw new OxoError('REFRESH_TOKEN_REUSED', 'This refresh token was used before. Sign in again.');
      case 'UNKNOWN':
        if (isOurs) await attempts.refresh(network);
        throw unknownToken();
    }
  }

  return async (request: RefreshRequest, context: CallContext): Promise<RefreshResponse> => {
    const { refreshToken } = validate(input, request);
    return countedAs('refresh', countSignIn, goOn(refreshToken, context));
  };
}

function unknownToken(): OxoError {
  return new OxoError('REFRESH_TOKEN_INVALID', 'The refresh token is not valid or has expired. Sign in again.');
}
