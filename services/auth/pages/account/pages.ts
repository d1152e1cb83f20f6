import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { AccountChanges } from '../../accounts/account-changes.ts';
import type { OwnProfile } from '../../accounts/own-profile.ts';
import type { ApiKeys } from '../../api-keys/api-keys.ts';
import type { Consents } from '../../consents/consents.ts';
import type { Mfa } from '../../mfa/mfa.ts';
import type { Passkeys } from '../../passkeys/passkeys.ts';
import type { Profiles } from '../../profiles/profiles.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import type { Browsers } from '../browsers.ts';
import type { OnceForms } from '../once.ts';
import type { PasskeyQuestion } from '../passkey-question.ts';
import type { AccountPage } from '../signed-in.ts';
import { apps } from './apps.ts';
import { deleteAccount } from './delete.ts';
import { keys } from './keys.ts';
import { overview } from './overview.ts';
import { profile } from './profile.ts';
import { passkeys } from './security/passkeys.ts';
import { security } from './security/security.ts';
import { twoStep } from './security/two-step.ts';
import { sessions } from './sessions.ts';

export interface AccountPagesParts {
  db: Queryable;
  profiles: Pick<Profiles, 'byId'>;
  ownProfile: OwnProfile;
  sessions: Pick<Sessions, 'revoke'>;
  consents: Pick<Consents, 'revoke'>;
  apiKeys: ApiKeys;
  changes: AccountChanges;
  mfa: Mfa;
  passkeys: Passkeys;
  passkeyQuestion: PasskeyQuestion;
  onceForms: OnceForms;
  browsers: Pick<Browsers, 'forget'>;
  issuer: string;
  clock: Clock;
}

/** The pages on which people look after their account, by the functions of the RPCs. */
export function accountPages(parts: AccountPagesParts): AccountPage[] {
  return [
    overview(parts),
    profile(parts),
    security(parts),
    twoStep(parts),
    passkeys(parts),
    sessions(parts),
    apps(parts),
    keys(parts),
    deleteAccount(parts),
  ];
}
