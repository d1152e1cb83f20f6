import type { RotateApiKeyRequest, RotateApiKeyResponse } from '#gen/oxo/auth/v1/api_key_service.ts';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import type { ApiKeys } from '../../api-keys/api-keys.ts';
import { endOf, rotateInput } from '../../api-keys/key-input.ts';
import { keyMessage } from '../../api-keys/key-message.ts';
import { apiKeyNotFound } from '../../api-keys/refusals.ts';

export interface RotateApiKeyDependencies {
  apiKeys: ApiKeys;
  clock: Clock;
}

/**
 * Repeated, when its answer was lost, it gives another secret, and takes nothing from those that work.
 * @throws OxoError VALIDATION_FAILED, API_KEY_NOT_FOUND, API_KEY_LIMIT_REACHED, SESSION_REVOKED; UNAVAILABLE when services may still take the former secret
 */
export function rotateApiKey({ apiKeys, clock }: RotateApiKeyDependencies) {
  return async (request: RotateApiKeyRequest, context: CallContext): Promise<RotateApiKeyResponse> => {
    const { userId, sessionId } = requireViewer(context);
    const { id, overlapSeconds, expiresAt } = validate(rotateInput, request);
    const expiresAtMs = endOf(expiresAt, clock.nowMs());
    const change = { overlapMs: overlapSeconds * SECOND_MS, expiresAtMs };
    const issued = await apiKeys.rotate({ id, accountId: userId, sessionId }, change, context);
    if (issued === undefined) throw apiKeyNotFound();
    return { apiKey: keyMessage(issued.key), secret: issued.secret };
  };
}
