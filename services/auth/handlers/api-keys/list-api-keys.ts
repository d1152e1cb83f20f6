import type { ListApiKeysRequest, ListApiKeysResponse } from '#gen/oxo/auth/v1/api_key_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { ApiKeys } from '../../api-keys/api-keys.ts';
import { keyMessage } from '../../api-keys/key-message.ts';

/** @throws OxoError UNAVAILABLE when the database is away */
export function listApiKeys({ apiKeys }: { apiKeys: ApiKeys }) {
  return async (_: ListApiKeysRequest, context: CallContext): Promise<ListApiKeysResponse> => {
    const rows = await apiKeys.list(requireViewer(context).userId);
    return { apiKeys: rows.map(keyMessage) };
  };
}
