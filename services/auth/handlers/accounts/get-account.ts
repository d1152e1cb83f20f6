import type { GetAccountRequest, GetAccountResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { accountMessage } from '../../accounts/account-message.ts';
import type { EmailAddresses } from '../../accounts/email-addresses.ts';

/** What the caller signs in by. @throws OxoError SESSION_REVOKED when the account has ended */
export function getAccount({ emails }: { emails: Pick<EmailAddresses, 'get'> }) {
  return async (_request: GetAccountRequest, context: CallContext): Promise<GetAccountResponse> => {
    return { account: accountMessage(await emails.get(requireViewer(context).userId)) };
  };
}
