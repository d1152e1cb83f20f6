import type { FinishPasskeySignInRequest, FinishPasskeySignInResponse } from '#gen/oxo/auth/v1/passkey_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { deviceOf } from '../../origin/device.ts';
import { passkeySignInInput } from '../../passkeys/passkey-input.ts';
import { assertionOf } from '../../passkeys/passkey-message.ts';
import type { PasskeySignIns } from '../../passkeys/passkey-sign-ins.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import { sessionTokens } from '../../tokens/session-tokens.ts';
import type { TokenIssuer } from '../../tokens/token-issuer.ts';

export interface FinishPasskeySignInDependencies {
  passkeySignIns: Pick<PasskeySignIns, 'signIn'>;
  sessions: Pick<Sessions, 'open'>;
  issuer: TokenIssuer;
}

/** @throws OxoError VALIDATION_FAILED, PASSKEYS_OFF, PASSKEY_INVALID, RATE_LIMITED; UNAVAILABLE when the user service is away */
export function finishPasskeySignIn({ passkeySignIns, sessions, issuer }: FinishPasskeySignInDependencies) {
  return async (request: FinishPasskeySignInRequest, context: CallContext): Promise<FinishPasskeySignInResponse> => {
    const input = validate(passkeySignInInput, { ...request, credential: assertionOf(request.credential) });
    const device = deviceOf(context);
    const source = { device, deviceToken: input.deviceToken, context, signal: context.signal };
    const { user, entered, deviceToken } = await passkeySignIns.signIn(input.credential, source, ({ id }, by) =>
      sessions.open(id, device, context, by),
    );
    return { user, tokens: await sessionTokens(issuer, entered), deviceToken };
  };
}
