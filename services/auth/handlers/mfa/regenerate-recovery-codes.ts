import type { RegenerateRecoveryCodesRequest, RegenerateRecoveryCodesResponse } from '#gen/oxo/auth/v1/mfa_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Mfa } from '../../mfa/mfa.ts';

/** @throws OxoError MFA_NOT_ENROLLED, SESSION_REVOKED */
export function regenerateRecoveryCodes({ mfa }: { mfa: Pick<Mfa, 'replaceRecoveryCodes'> }) {
  return async (_: RegenerateRecoveryCodesRequest, context: CallContext): Promise<RegenerateRecoveryCodesResponse> => {
    return { recoveryCodes: await mfa.replaceRecoveryCodes(requireViewer(context), context) };
  };
}
