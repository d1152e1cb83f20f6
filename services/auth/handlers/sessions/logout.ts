import type { LogoutRequest, LogoutResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Sessions } from '../../sessions/sessions.ts';

/**
 * Ends the caller's session, or all of them. May be repeated.
 * @throws OxoError UNAVAILABLE when it is not known yet that all services have heard of it
 */
export function logout({ sessions }: { sessions: Sessions }) {
  return async (request: LogoutRequest, context: CallContext): Promise<LogoutResponse> => {
    await sessions.signOut(requireViewer(context), request.all ? 'all' : 'this', context);
    return {};
  };
}
