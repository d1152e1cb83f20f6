import type { CreateApiKeyRequest, CreateApiKeyResponse } from '#gen/oxo/auth/v1/api_key_service.ts';
import type { Clock } from '#kit/clock.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import type { ApiKeys } from '../../api-keys/api-keys.ts';
import { createInput, DEFAULT_LIFE_MS, endOf, requireScopes } from '../../api-keys/key-input.ts';
import { keyMessage } from '../../api-keys/key-message.ts';

export interface CreateApiKeyDependencies {
  apiKeys: ApiKeys;
  clock: Clock;
}

/** @throws OxoError VALIDATION_FAILED, SCOPE_MISSING, API_KEY_LIMIT_REACHED, SESSION_REVOKED */
export function createApiKey({ apiKeys, clock }: CreateApiKeyDependencies) {
  return async (request: CreateApiKeyRequest, context: CallContext): Promise<CreateApiKeyResponse> => {
    const viewer = requireViewer(context);
    const { name, scopes, expiresAt } = validate(createInput, request);
    const nowMs = clock.nowMs();
    const expiresAtMs = endOf(expiresAt, nowMs) ?? nowMs + DEFAULT_LIFE_MS;
    requireScopes(viewer, scopes);
    const { userId: accountId, sessionId } = viewer;
    const { key, secret } = await apiKeys.create({ accountId, sessionId, name, scopes, expiresAtMs }, context);
    return { apiKey: keyMessage(key), secret };
  };
}
