import type { DisableTotpRequest, DisableTotpResponse } from '#gen/oxo/auth/v1/mfa_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Mfa } from '../../mfa/mfa.ts';

/** May be repeated. @throws OxoError SESSION_REVOKED */
export function disableTotp({ mfa }: { mfa: Pick<Mfa, 'disable'> }) {
  return async (_: DisableTotpRequest, context: CallContext): Promise<DisableTotpResponse> => {
    await mfa.disable(requireViewer(context), context);
    return {};
  };
}
