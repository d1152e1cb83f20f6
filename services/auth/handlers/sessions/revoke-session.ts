import { z } from 'zod';
import type { RevokeSessionRequest, RevokeSessionResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { OxoError } from '#kit/errors.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import type { Sessions } from '../../sessions/sessions.ts';

const input = z.object({ id: id() });

/**
 * A session that the caller has revoked already is answered like the first time: its row is kept for a day to tell.
 * @throws OxoError VALIDATION_FAILED, SESSION_NOT_FOUND; UNAVAILABLE when it is not known yet that all services have heard of it
 */
export function revokeSession({ sessions }: { sessions: Sessions }) {
  return async (request: RevokeSessionRequest, context: CallContext): Promise<RevokeSessionResponse> => {
    const { userId } = requireViewer(context);
    const { id: sessionId } = validate(input, request);
    if (!(await sessions.revoke({ sessionId, userId }, context))) {
      throw new OxoError('SESSION_NOT_FOUND', 'You have no such session.');
    }
    return {};
  };
}
