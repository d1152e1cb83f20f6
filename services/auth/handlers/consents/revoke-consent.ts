import { z } from 'zod';
import type { RevokeConsentRequest, RevokeConsentResponse } from '#gen/oxo/auth/v1/consent_service.ts';
import { OxoError } from '#kit/errors.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { text, validate } from '#kit/validate.ts';
import type { Consents } from '../../consents/consents.ts';

const input = z.object({ clientId: text({ minCharacters: 1, maxCharacters: 64, maxBytes: 256 }) });

/**
 * One that the caller has revoked already is answered like the first time: its row is kept for a day to tell.
 * @throws OxoError VALIDATION_FAILED, CONSENT_NOT_FOUND; UNAVAILABLE when not all services have heard of it yet
 */
export function revokeConsent({ consents }: { consents: Pick<Consents, 'revoke'> }) {
  return async (request: RevokeConsentRequest, context: CallContext): Promise<RevokeConsentResponse> => {
    const { userId: accountId } = requireViewer(context);
    const { clientId } = validate(input, request);
    if (!(await consents.revoke({ accountId, clientId }, context))) {
      throw new OxoError('CONSENT_NOT_FOUND', 'You have not allowed anything to such an app.');
    }
    return {};
  };
}
