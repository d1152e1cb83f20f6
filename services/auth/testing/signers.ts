import type { AuthServiceDefinition, RegisterRequest } from '#gen/oxo/auth/v1/auth_service.ts';
import type { Clock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { TokenIssuer } from '../tokens/token-issuer.ts';

export const PASSWORD = 'a walk in the rain 17';

export interface SignedUp {
  id: string;
  handle: string;
  accessToken: string;
  refreshToken: string;
  /** Empty without a password. */
  deviceToken: string;
}

export interface Signers {
  /** Signs up a person with a handle of their own; needs the user service. */
  signUp(fields?: Partial<RegisterRequest>): Promise<SignedUp>;
  /** A signed-in person without a profile; does not need the user service. */
  signIn(accountId?: string): Promise<SignedUp>;
}

/** @param options.decoy hash of a password that nobody has */
export function createSigners(options: {
  auth(): RpcClient<AuthServiceDefinition>;
  accounts: Accounts;
  sessions: Sessions;
  issuer: TokenIssuer;
  decoy: string;
  clock: Clock;
}): Signers {
  const { auth, accounts, sessions, issuer, decoy, clock } = options;
  let people = 0;
  return {
    async signUp(fields = {}) {
      const handle = `person_${++people}`;
      const request = { handle, email: `${handle}@example.org`, password: PASSWORD, displayName: '', ...fields };
      const { user, tokens, deviceToken } = await auth().register(request);
      const { accessToken = '', refreshToken = '' } = tokens ?? {};
      return { id: user?.id ?? '', handle: request.handle, accessToken, refreshToken, deviceToken };
    },
    async signIn(accountId) {
      const id = accountId ?? newId(clock.nowMs());
      const handle = `person_${++people}`;
      if (accountId === undefined) {
        const email = `${handle}@example.org`;
        await accounts.insertPending({ id, handle, displayName: handle, email, passwordHash: decoy });
      }
      const session = await sessions.open(id, { userAgent: 'test', ip: '' }, { requestId: 'sign-in' });
      if (session === undefined) throw new Error('no such account');
      const { token } = await issuer.accessToken(session);
      return { id, handle, accessToken: token, refreshToken: session.refreshToken, deviceToken: '' };
    },
  };
}
