import type { EnrolTotpRequest, EnrolTotpResponse } from '#gen/oxo/auth/v1/mfa_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Mfa } from '../../mfa/mfa.ts';
import { otpauthUri, typedSecret } from '../../mfa/totp.ts';
import type { Profiles } from '../../profiles/profiles.ts';

export interface EnrolTotpDependencies {
  mfa: Pick<Mfa, 'begin'>;
  profiles: Pick<Profiles, 'byId'>;
}

/** @throws OxoError MFA_ALREADY_ENROLLED, SESSION_REVOKED; UNAVAILABLE when the user service is away, which knows what to call the account */
export function enrolTotp({ mfa, profiles }: EnrolTotpDependencies) {
  return async (_: EnrolTotpRequest, context: CallContext): Promise<EnrolTotpResponse> => {
    const viewer = requireViewer(context);
    const { userId } = viewer;
    const user = await profiles.byId(userId, context);
    const { secret, expiresAtMs } = await mfa.begin(viewer);
    return {
      secret: typedSecret(secret),
      otpauthUri: otpauthUri(secret, user?.handle ?? userId),
      expiresAt: new Date(expiresAtMs),
    };
  };
}
