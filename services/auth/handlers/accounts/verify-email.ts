import { z } from 'zod';
import type { VerifyEmailRequest, VerifyEmailResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { mailedToken } from '../../accounts/account-input.ts';
import type { EmailAddresses } from '../../accounts/email-addresses.ts';
import type { Attempts } from '../../attempts/attempts.ts';
import { askerOf } from '../../origin/device.ts';

const input = z.object({ token: mailedToken() });

export interface VerifyEmailDependencies {
  attempts: Pick<Attempts, 'verify'>;
  emails: Pick<EmailAddresses, 'verify'>;
}

/** Makes an address the account's by what was mailed to it. @throws OxoError VALIDATION_FAILED, RATE_LIMITED, EMAIL_TOKEN_INVALID */
export function verifyEmail({ attempts, emails }: VerifyEmailDependencies) {
  return async (request: VerifyEmailRequest, context: CallContext): Promise<VerifyEmailResponse> => {
    const { token } = validate(input, request);
    const attempt = await attempts.verify(askerOf(context).network);
    await emails.verify(token, context);
    attempt.giveBack();
    return {};
  };
}
