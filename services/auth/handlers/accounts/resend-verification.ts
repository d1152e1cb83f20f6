import type { ResendVerificationRequest, ResendVerificationResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { EmailAddresses } from '../../accounts/email-addresses.ts';

/** Asks once more whether an address is the caller's. @throws OxoError RATE_LIMITED; SESSION_REVOKED */
export function resendVerification({ emails }: { emails: Pick<EmailAddresses, 'resend'> }) {
  return async (_request: ResendVerificationRequest, context: CallContext): Promise<ResendVerificationResponse> => {
    await emails.resend(requireViewer(context), context);
    return {};
  };
}
