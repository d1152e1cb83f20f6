import { z } from 'zod';
import type { ChangePasswordRequest, ChangePasswordResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { newPassword, typedPassword } from '../../accounts/account-input.ts';
import type { PasswordChanges } from '../../accounts/password-changes.ts';

const input = z.object({ currentPassword: typedPassword(), newPassword: newPassword() });

/**
 * Another password for the caller; all other sessions end.
 * @throws OxoError VALIDATION_FAILED, RATE_LIMITED, CREDENTIALS_INVALID, SESSION_REVOKED; UNAVAILABLE when it is not known yet that all services have heard of it
 */
export function changePassword({ passwordChanges }: { passwordChanges: PasswordChanges }) {
  return async (request: ChangePasswordRequest, context: CallContext): Promise<ChangePasswordResponse> => {
    await passwordChanges.change(requireViewer(context), validate(input, request), context);
    return {};
  };
}
