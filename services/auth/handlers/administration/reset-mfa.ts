import { z } from 'zod';
import type { ResetMfaRequest, ResetMfaResponse } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import { userNotFound } from '#kit/errors.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { handle } from '../../accounts/account-input.ts';
import type { Mfa } from '../../mfa/mfa.ts';
import type { Profiles } from '../../profiles/profiles.ts';

const input = z.object({ handle: handle() });

/** @throws OxoError VALIDATION_FAILED, USER_NOT_FOUND; UNAVAILABLE when services may still believe a token of the account */
export function resetMfa({ mfa, profiles }: { mfa: Pick<Mfa, 'reset'>; profiles: Profiles }) {
  return async (request: ResetMfaRequest, context: CallContext): Promise<ResetMfaResponse> => {
    const user = await profiles.byHandle(validate(input, request).handle, context);
    const changed = user === undefined ? undefined : await mfa.reset(user.id, context);
    if (user === undefined || changed === undefined) throw userNotFound();
    return { userId: user.id, changed };
  };
}
