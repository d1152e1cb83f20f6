import type { DeleteMeRequest, DeleteMeResponse } from '#gen/oxo/user/v1/user_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Deletion } from '../deletion/deletion.ts';

/**
 * The contract asks for a sign-in of the last minutes, so a token that was stolen from an older session deletes nobody.
 * @throws what `Deletion.deleteUser` throws
 */
export function deleteMe({ deletion }: { deletion: Pick<Deletion, 'deleteUser'> }) {
  return async (_request: DeleteMeRequest, context: CallContext): Promise<DeleteMeResponse> => {
    await deletion.deleteUser(requireViewer(context).userId, context);
    return {};
  };
}
