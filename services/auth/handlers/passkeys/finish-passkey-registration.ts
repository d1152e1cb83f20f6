import type {
  FinishPasskeyRegistrationRequest,
  FinishPasskeyRegistrationResponse,
} from '#gen/oxo/auth/v1/passkey_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { registrationInput } from '../../passkeys/passkey-input.ts';
import { attestationOf, passkeyMessage } from '../../passkeys/passkey-message.ts';
import type { Passkeys } from '../../passkeys/passkeys.ts';

/** @throws OxoError VALIDATION_FAILED, PASSKEYS_OFF, PASSKEY_INVALID, PASSKEY_LIMIT_REACHED, SESSION_REVOKED */
export function finishPasskeyRegistration({ passkeys }: { passkeys: Pick<Passkeys, 'finishRegistration'> }) {
  return async (
    { name, credential }: FinishPasskeyRegistrationRequest,
    context: CallContext,
  ): Promise<FinishPasskeyRegistrationResponse> => {
    const viewer = requireViewer(context);
    const made = validate(registrationInput, { name, credential: attestationOf(credential) });
    return { passkey: passkeyMessage(await passkeys.finishRegistration(viewer, made, context)) };
  };
}
