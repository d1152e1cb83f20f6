import type { Profiles } from '../../accounts/profiles.ts';
import type { AccountPage } from '../signed-in.ts';
import { overview } from './overview.ts';

export interface AccountPagesParts {
  profiles: Pick<Profiles, 'byId'>;
}

/** The pages on which people look after their account. */
export function accountPages(parts: AccountPagesParts): AccountPage[] {
  return [overview(parts)];
}
