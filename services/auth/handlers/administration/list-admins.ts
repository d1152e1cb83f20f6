import type { ListAdminsRequest, ListAdminsResponse } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Admins } from '../../accounts/admins.ts';
import type { Profiles } from '../../accounts/profiles.ts';

/** @throws OxoError UNAVAILABLE when the database or the user service is away */
export function listAdmins({ admins, profiles }: { admins: Pick<Admins, 'list'>; profiles: Profiles }) {
  return async (_: ListAdminsRequest, context: CallContext): Promise<ListAdminsResponse> => {
    const found: ListAdminsResponse['admins'] = [];
    // One after the other: they are few, and nobody is in a hurry.
    for (const userId of await admins.list()) {
      const user = await profiles.byId(userId, context);
      found.push({ userId, handle: user?.handle ?? '' });
    }
    return { admins: found };
  };
}
