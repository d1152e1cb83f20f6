import { z } from 'zod';
import type { RevokeApiKeyRequest, RevokeApiKeyResponse } from '#gen/oxo/auth/v1/api_key_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import type { ApiKeys } from '../../api-keys/api-keys.ts';
import { apiKeyNotFound } from '../../api-keys/refusals.ts';

const input = z.object({ id: id() });

/**
 * A key that the caller has revoked already is answered like the first time: its row is kept for a day to tell.
 * @throws OxoError VALIDATION_FAILED, API_KEY_NOT_FOUND; UNAVAILABLE when it is not known yet that all services have heard of it
 */
export function revokeApiKey({ apiKeys }: { apiKeys: ApiKeys }) {
  return async (request: RevokeApiKeyRequest, context: CallContext): Promise<RevokeApiKeyResponse> => {
    const { userId } = requireViewer(context);
    const { id: keyId } = validate(input, request);
    if (!(await apiKeys.revoke({ id: keyId, accountId: userId }, context))) throw apiKeyNotFound();
    return {};
  };
}
