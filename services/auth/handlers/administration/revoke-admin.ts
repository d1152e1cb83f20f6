import { z } from 'zod';
import type { RevokeAdminRequest, RevokeAdminResponse } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import { userNotFound } from '#kit/errors.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { handle } from '../../accounts/account-input.ts';
import type { Admins } from '../../accounts/admins.ts';
import type { Profiles } from '../../profiles/profiles.ts';

const input = z.object({ handle: handle() });

/** @throws OxoError VALIDATION_FAILED, USER_NOT_FOUND; UNAVAILABLE when services may still believe a token of the scope admin */
export function revokeAdmin({ admins, profiles }: { admins: Pick<Admins, 'revoke'>; profiles: Profiles }) {
  return async (request: RevokeAdminRequest, context: CallContext): Promise<RevokeAdminResponse> => {
    const user = await profiles.byHandle(validate(input, request).handle, context);
    const changed = user === undefined ? undefined : await admins.revoke(user.id, context);
    if (user === undefined || changed === undefined) throw userNotFound();
    return { userId: user.id, changed };
  };
}
