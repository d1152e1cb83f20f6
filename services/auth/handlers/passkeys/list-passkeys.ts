import type { ListPasskeysRequest, ListPasskeysResponse } from '#gen/oxo/auth/v1/passkey_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { passkeyMessage } from '../../passkeys/passkey-message.ts';
import type { Passkeys } from '../../passkeys/passkeys.ts';

/** @throws OxoError UNAVAILABLE when the database is away */
export function listPasskeys({ passkeys }: { passkeys: Pick<Passkeys, 'list'> }) {
  return async (_: ListPasskeysRequest, context: CallContext): Promise<ListPasskeysResponse> => {
    return { passkeys: (await passkeys.list(requireViewer(context).userId)).map(passkeyMessage) };
  };
}
