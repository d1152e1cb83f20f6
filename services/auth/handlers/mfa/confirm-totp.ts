import { z } from 'zod';
import type { ConfirmTotpRequest, ConfirmTotpResponse } from '#gen/oxo/auth/v1/mfa_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { requiredOtp } from '../../accounts/account-input.ts';
import type { Mfa } from '../../mfa/mfa.ts';

const input = z.object({ otp: requiredOtp() });

/** @throws OxoError VALIDATION_FAILED, OTP_INVALID, MFA_NOT_ENROLLED, MFA_ALREADY_ENROLLED, SESSION_REVOKED */
export function confirmTotp({ mfa }: { mfa: Pick<Mfa, 'confirm'> }) {
  return async (request: ConfirmTotpRequest, context: CallContext): Promise<ConfirmTotpResponse> => {
    const viewer = requireViewer(context);
    const { otp } = validate(input, request);
    return { recoveryCodes: await mfa.confirm(viewer, otp, context) };
  };
}
