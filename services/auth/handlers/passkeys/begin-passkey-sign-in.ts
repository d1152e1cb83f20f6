import type { BeginPasskeySignInRequest, BeginPasskeySignInResponse } from '#gen/oxo/auth/v1/passkey_service.ts';
import { requestOptionsMessage } from '../../passkeys/passkey-message.ts';
import type { PasskeySignIns } from '../../passkeys/passkey-sign-ins.ts';

/** @throws OxoError PASSKEYS_OFF */
export function beginPasskeySignIn({ passkeySignIns }: { passkeySignIns: Pick<PasskeySignIns, 'begin'> }) {
  return async (_: BeginPasskeySignInRequest): Promise<BeginPasskeySignInResponse> => {
    return { options: requestOptionsMessage(await passkeySignIns.begin()) };
  };
}
