import type { GetMfaRequest, GetMfaResponse } from '#gen/oxo/auth/v1/mfa_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Mfa } from '../../mfa/mfa.ts';
import { mfaMessage } from '../../mfa/mfa-message.ts';

/** @throws OxoError UNAVAILABLE when the database is away */
export function getMfa({ mfa }: { mfa: Pick<Mfa, 'read'> }) {
  return async (_: GetMfaRequest, context: CallContext): Promise<GetMfaResponse> => {
    return { mfa: mfaMessage(await mfa.read(requireViewer(context).userId)) };
  };
}
