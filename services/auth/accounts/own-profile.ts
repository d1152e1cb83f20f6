import { Metadata } from 'nice-grpc';
import type { User } from '#gen/oxo/user/v1/user.ts';
import type { UpdateMeRequest, UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { OxoError } from '#kit/errors.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { ProfileContext } from '../profiles/profiles.ts';
import type { BrowserSession } from '../sessions/browser-sessions.ts';
import type { TokenIssuer } from '../tokens/token-issuer.ts';

/** What a person sees and changes of themselves at the user service, which is asked as that person: it says itself what they may. */
export interface OwnProfile {
  read(session: BrowserSession, context: ProfileContext): Promise<User>;
  /** @throws OxoError VALIDATION_FAILED, ETAG_MISMATCH */
  update(session: BrowserSession, change: UpdateMeRequest, context: ProfileContext): Promise<void>;
  /** Ends the account, for good. @throws OxoError SIGN_IN_TOO_OLD */
  delete(session: BrowserSession, context: ProfileContext): Promise<void>;
}

/** @param options.people the user service's public contract, by a channel without a token of ours */
export function createOwnProfile(options: {
  people: RpcClient<UserServiceDefinition>;
  issuer: Pick<TokenIssuer, 'accessToken'>;
}): OwnProfile {
  const { people, issuer } = options;

  async function as(session: BrowserSession, context: ProfileContext) {
    // Administration is for apps of administrators: nothing here needs it.
    const { token } = await issuer.accessToken({ ...session, isAdmin: false });
    const call = asService(context);
    return { ...call, metadata: Metadata(call.metadata).set('authorization', `Bearer ${token}`) };
  }

  return {
    async read(session, context) {
      const { user } = await people.getMe({}, await as(session, context));
      if (user === undefined) throw new OxoError('INTERNAL', 'The user service has answered without a profile.');
      return user;
    },
    async update(session, change, context) {
      await people.updateMe(change, await as(session, context));
    },
    async delete(session, context) {
      await people.deleteMe({}, await as(session, context));
    },
  };
}
