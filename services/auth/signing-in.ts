import { countedCredentials } from './accounts/counted-credentials.ts';
import { createCredentials } from './accounts/credentials.ts';
import {
  beginPasskeyRegistration,
  beginPasskeySignIn,
  confirmTotp,
  deletePasskey,
  disableTotp,
  enrolTotp,
  finishPasskeyRegistration,
  finishPasskeySignIn,
  getMfa,
  listPasskeys,
  regenerateRecoveryCodes,
  renamePasskey,
} from './handlers/index.ts';
import type { KeyVault } from './keys/key-vault.ts';
import { createMfa, type Mfa, type MfaOptions } from './mfa/mfa.ts';
import { createSecondStep } from './mfa/second-step.ts';
import { createChallenges } from './passkeys/challenges.ts';
import { countedPasskeys } from './passkeys/counted-passkeys.ts';
import { createPasskeySignIns, type PasskeySignIns, type PasskeySignInsOptions } from './passkeys/passkey-sign-ins.ts';
import { createPasskeys, type Passkeys, type PasskeysOptions } from './passkeys/passkeys.ts';
import { relyingPartyOf } from './passkeys/relying-party.ts';
import type { Profiles } from './profiles/profiles.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { CountSignIn } from './sign-ins/sign-in-metrics.ts';
import { createStepUp, type StepUpOptions } from './step-up/step-up.ts';
import { createSingleUse } from './tokens/single-use.ts';
import type { TokenIssuer } from './tokens/token-issuer.ts';

type SigningInParts = Omit<StepUpOptions, 'secondStep' | 'passkeySignIns'> &
  Omit<Parameters<typeof createCredentials>[0], 'secondStep'> &
  Omit<Parameters<typeof createSecondStep>[0] & MfaOptions, 'vault'> &
  Omit<PasskeysOptions & PasskeySignInsOptions, 'challenges' | 'relyingParty'> & {
    countSignIn: CountSignIn;
    dataVault: KeyVault;
    apiKeyTagSecrets: readonly Uint8Array[];
    oauth: { issuer: string };
  };

/** What people sign in by: a password, and what comes after it, or a passkey instead. */
export function createSigningIn(parts: SigningInParts) {
  const vault = parts.dataVault;
  const singleUse = createSingleUse(parts);
  const challenges = createChallenges({ ...parts, singleUse, tagSecrets: parts.apiKeyTagSecrets });
  const own = { ...parts, vault, challenges, relyingParty: relyingPartyOf(parts.oauth.issuer) };
  const secondStep = createSecondStep(own);
  const passkeySignIns = countedPasskeys(createPasskeySignIns(own), parts.countSignIn);
  return {
    credentials: countedCredentials(createCredentials({ ...own, secondStep }), parts.countSignIn),
    mfa: createMfa(own),
    passkeys: createPasskeys(own),
    passkeySignIns,
    stepUp: createStepUp({ ...own, secondStep, passkeySignIns }),
    singleUse,
  };
}

export function mfaHandlers({ mfa, profiles }: { mfa: Mfa; profiles: Profiles }) {
  return {
    getMfa: getMfa({ mfa }),
    enrolTotp: enrolTotp({ mfa, profiles }),
    confirmTotp: confirmTotp({ mfa }),
    disableTotp: disableTotp({ mfa }),
    regenerateRecoveryCodes: regenerateRecoveryCodes({ mfa }),
  };
}

export function passkeyHandlers(parts: {
  passkeys: Passkeys;
  passkeySignIns: PasskeySignIns;
  profiles: Profiles;
  sessions: Sessions;
  issuer: TokenIssuer;
}) {
  return {
    beginPasskeyRegistration: beginPasskeyRegistration(parts),
    finishPasskeyRegistration: finishPasskeyRegistration(parts),
    listPasskeys: listPasskeys(parts),
    renamePasskey: renamePasskey(parts),
    deletePasskey: deletePasskey(parts),
    beginPasskeySignIn: beginPasskeySignIn(parts),
    finishPasskeySignIn: finishPasskeySignIn(parts),
  };
}
