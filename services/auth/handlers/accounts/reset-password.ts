import { z } from 'zod';
import type { ResetPasswordRequest, ResetPasswordResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { mailedToken, newPassword } from '../../accounts/account-input.ts';
import type { PasswordResets } from '../../accounts/password-resets.ts';

const input = z.object({ token: mailedToken(), password: newPassword() });

/**
 * Another password by what was mailed; whatever could act for the account ends.
 * @throws OxoError VALIDATION_FAILED, RATE_LIMITED, PASSWORD_RESET_INVALID; UNAVAILABLE when it is not known yet that all services have heard of it
 */
export function resetPassword({ passwordResets }: { passwordResets: Pick<PasswordResets, 'reset'> }) {
  return async (request: ResetPasswordRequest, context: CallContext): Promise<ResetPasswordResponse> => {
    await passwordResets.reset(validate(input, request), context);
    return {};
  };
}
