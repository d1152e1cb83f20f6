import { z } from 'zod';
import type { DisableAccountRequest, DisableAccountResponse } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import type { Disable } from '../../accounts/disabling.ts';

const input = z.object({ userId: id() });

/**
 * Ends an account that its owner deletes: no sign-in any more, and its sessions are revoked. May be repeated.
 * @throws OxoError VALIDATION_FAILED
 */
export function disableAccount({ disable }: { disable: Disable }) {
  return async (request: DisableAccountRequest, context: CallContext): Promise<DisableAccountResponse> => {
    await disable(validate(input, request).userId, context);
    return {};
  };
}
