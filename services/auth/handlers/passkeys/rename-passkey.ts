import type { RenamePasskeyRequest, RenamePasskeyResponse } from '#gen/oxo/auth/v1/passkey_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { renameInput } from '../../passkeys/passkey-input.ts';
import { passkeyMessage } from '../../passkeys/passkey-message.ts';
import type { Passkeys } from '../../passkeys/passkeys.ts';

/** @throws OxoError VALIDATION_FAILED, PASSKEY_NOT_FOUND */
export function renamePasskey({ passkeys }: { passkeys: Pick<Passkeys, 'rename'> }) {
  return async (request: RenamePasskeyRequest, context: CallContext): Promise<RenamePasskeyResponse> => {
    const { userId } = requireViewer(context);
    return { passkey: passkeyMessage(await passkeys.rename(userId, validate(renameInput, request))) };
  };
}
