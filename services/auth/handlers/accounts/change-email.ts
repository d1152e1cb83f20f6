import { z } from 'zod';
import type { ChangeEmailRequest, ChangeEmailResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { email } from '../../accounts/account-input.ts';
import { accountMessage } from '../../accounts/account-message.ts';
import type { EmailAddresses } from '../../accounts/email-addresses.ts';

const input = z.object({ email: email() });

/** Asks the new address whether it is the caller's. @throws OxoError VALIDATION_FAILED, RATE_LIMITED; SESSION_REVOKED */
export function changeEmail({ emails }: { emails: Pick<EmailAddresses, 'change'> }) {
  return async (request: ChangeEmailRequest, context: CallContext): Promise<ChangeEmailResponse> => {
    const viewer = requireViewer(context);
    return { account: accountMessage(await emails.change(viewer, validate(input, request).email, context)) };
  };
}
