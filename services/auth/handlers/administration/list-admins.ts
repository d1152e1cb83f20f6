import type { ListAdminsRequest, ListAdminsResponse } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Admins } from '../../accounts/admins.ts';
import { recordAudit } from '../../audit/audit-log.ts';
import type { Profiles } from '../../profiles/profiles.ts';

/** @throws OxoError UNAVAILABLE when the database or the user service is away */
export function listAdmins(options: { db: Queryable; admins: Pick<Admins, 'list'>; profiles: Profiles }) {
  const { db, admins, profiles } = options;
  return async (_: ListAdminsRequest, context: CallContext): Promise<ListAdminsResponse> => {
    // Before it is read, as with the log itself.
    await recordAudit(db, { action: 'LIST_ADMINS' }, context);
    const found: ListAdminsResponse['admins'] = [];
    // One after the other: they are few, and nobody is in a hurry.
    for (const userId of await admins.list()) {
      const user = await profiles.byId(userId, context);
      found.push({ userId, handle: user?.handle ?? '' });
    }
    return { admins: found };
  };
}
