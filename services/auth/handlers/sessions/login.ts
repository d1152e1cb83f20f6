import type { LoginRequest, LoginResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { loginInput } from '../../accounts/account-input.ts';
import type { Credentials } from '../../accounts/credentials.ts';
import { deviceOf } from '../../origin/device.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import { sessionTokens } from '../../tokens/session-tokens.ts';
import type { TokenIssuer } from '../../tokens/token-issuer.ts';

export interface LoginDependencies {
  credentials: Credentials;
  sessions: Sessions;
  issuer: TokenIssuer;
}

/** @throws OxoError VALIDATION_FAILED, CREDENTIALS_INVALID, OTP_INVALID, RATE_LIMITED; UNAVAILABLE when too many sign in, or the user service is away */
export function login({ credentials, sessions, issuer }: LoginDependencies) {
  return async (request: LoginRequest, context: CallContext): Promise<LoginResponse> => {
    const input = validate(loginInput, request);
    const device = deviceOf(context);
    const attempt = { device, deviceToken: input.deviceToken, context, signal: context.signal };
    const { user, entered, deviceToken } = await credentials.signIn(input, attempt, ({ id }, by) =>
      sessions.open(id, device, context, by),
    );
    if (entered === undefined) return { user: undefined, tokens: undefined, mfaRequired: true, deviceToken };
    return { user, tokens: await sessionTokens(issuer, entered), mfaRequired: false, deviceToken };
  };
}
