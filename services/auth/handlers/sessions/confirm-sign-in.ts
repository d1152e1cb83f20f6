import type { ConfirmSignInRequest, ConfirmSignInResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { confirmationInput } from '../../accounts/account-input.ts';
import { ACCESS_TOKEN_LIFETIME_MS } from '../../keys/token-lifetimes.ts';
import { deviceOf } from '../../origin/device.ts';
import { confirmationByPasskey } from '../../passkeys/passkey-input.ts';
import { assertionOf } from '../../passkeys/passkey-message.ts';
import type { Shown, StepUp } from '../../step-up/step-up.ts';
import type { TokenIssuer } from '../../tokens/token-issuer.ts';

export interface ConfirmSignInDependencies {
  stepUp: StepUp;
  issuer: TokenIssuer;
}

/**
 * @throws OxoError VALIDATION_FAILED, CREDENTIALS_INVALID, OTP_INVALID, PASSKEY_INVALID, PASSKEYS_OFF, RATE_LIMITED, SESSION_REVOKED; UNAVAILABLE when too many sign
 *   in at once
 */
export function confirmSignIn({ stepUp, issuer }: ConfirmSignInDependencies) {
  return async (request: ConfirmSignInRequest, context: CallContext): Promise<ConfirmSignInResponse> => {
    const viewer = requireViewer(context);
    const source = { device: deviceOf(context), deviceToken: '', context, signal: context.signal };
    const confirmed = await stepUp.confirm(viewer, shownIn(request), source);
    if (confirmed === undefined) return { accessToken: '', tokenType: '', expiresIn: 0, mfaRequired: true };
    const { token: accessToken } = await issuer.accessToken(confirmed);
    const expiresIn = ACCESS_TOKEN_LIFETIME_MS / 1_000;
    return { accessToken, tokenType: 'Bearer', expiresIn, mfaRequired: false };
  };
}

function shownIn(request: ConfirmSignInRequest): Shown {
  if (request.credential === undefined) return validate(confirmationInput, request);
  return validate(confirmationByPasskey, { ...request, credential: assertionOf(request.credential) });
}
