import type {
  BeginPasskeyRegistrationRequest,
  BeginPasskeyRegistrationResponse,
} from '#gen/oxo/auth/v1/passkey_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { creationOptionsMessage } from '../../passkeys/passkey-message.ts';
import type { Passkeys } from '../../passkeys/passkeys.ts';
import type { Profiles } from '../../profiles/profiles.ts';

export interface BeginPasskeyRegistrationDependencies {
  passkeys: Pick<Passkeys, 'beginRegistration'>;
  profiles: Pick<Profiles, 'byId'>;
}

/** @throws OxoError PASSKEYS_OFF, PASSKEY_LIMIT_REACHED, SESSION_REVOKED; UNAVAILABLE when the user service is away, which knows what to call the person */
export function beginPasskeyRegistration({ passkeys, profiles }: BeginPasskeyRegistrationDependencies) {
  return async (
    _: BeginPasskeyRegistrationRequest,
    context: CallContext,
  ): Promise<BeginPasskeyRegistrationResponse> => {
    const viewer = requireViewer(context);
    const { handle = viewer.userId, displayName = '' } = (await profiles.byId(viewer.userId, context)) ?? {};
    return { options: creationOptionsMessage(await passkeys.beginRegistration(viewer, { handle, displayName })) };
  };
}
