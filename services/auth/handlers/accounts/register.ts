import type { RegisterRequest, RegisterResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Registration } from '../../accounts/registration.ts';
import { deviceOf } from '../../origin/device.ts';
import { sessionTokens } from '../../tokens/session-tokens.ts';
import type { TokenIssuer } from '../../tokens/token-issuer.ts';

export interface RegisterDependencies {
  registration: Registration;
  issuer: TokenIssuer;
}

/** @throws OxoError VALIDATION_FAILED, HANDLE_TAKEN, HANDLE_RESERVED, RATE_LIMITED; UNAVAILABLE when too many sign in, or the user service is away */
export function register({ registration, issuer }: RegisterDependencies) {
  return async (request: RegisterRequest, context: CallContext): Promise<RegisterResponse> => {
    const source = { device: deviceOf(context), deviceToken: request.deviceToken, context, signal: context.signal };
    const { user, session, deviceToken } = await registration(request, source);
    return { user, tokens: await sessionTokens(issuer, session), deviceToken };
  };
}
