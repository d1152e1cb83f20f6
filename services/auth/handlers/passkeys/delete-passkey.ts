import { z } from 'zod';
import type { DeletePasskeyRequest, DeletePasskeyResponse } from '#gen/oxo/auth/v1/passkey_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import type { Passkeys } from '../../passkeys/passkeys.ts';

const input = z.object({ id: id() });

/** @throws OxoError VALIDATION_FAILED, PASSKEY_NOT_FOUND, SESSION_REVOKED */
export function deletePasskey({ passkeys }: { passkeys: Pick<Passkeys, 'delete'> }) {
  return async (request: DeletePasskeyRequest, context: CallContext): Promise<DeletePasskeyResponse> => {
    const viewer = requireViewer(context);
    await passkeys.delete(viewer, validate(input, request).id, context);
    return {};
  };
}
