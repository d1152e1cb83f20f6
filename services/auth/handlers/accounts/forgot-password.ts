import { z } from 'zod';
import type { ForgotPasswordRequest, ForgotPasswordResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { email } from '../../accounts/account-input.ts';
import type { PasswordResets } from '../../accounts/password-resets.ts';

const input = z.object({ email: email() });

/** Mails how to choose another password, where there is somebody to mail it to. @throws OxoError VALIDATION_FAILED, RATE_LIMITED */
export function forgotPassword({ passwordResets }: { passwordResets: Pick<PasswordResets, 'ask'> }) {
  return async (request: ForgotPasswordRequest, context: CallContext): Promise<ForgotPasswordResponse> => {
    await passwordResets.ask(validate(input, request).email, context);
    return {};
  };
}
