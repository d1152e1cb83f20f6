import type { Account, FindAccount } from 'oidc-provider';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { isId } from '#kit/ids.ts';
import { requestIdOf } from '../../http/request-id.ts';
import type { Profiles } from '../../profiles/profiles.ts';

const FIND = {
  name: 'oauth-account-find',
  text: `select id, case when email_verified_at_ms is not null then email end as email
    from accounts where id = $1 and state = 'ACTIVE'`,
};

/** The claims of each scope of OpenID Connect, as userinfo tells them. */
export const CLAIMS = {
  // How somebody has signed in is told in ID tokens alone: userinfo has no such thing.
  openid: ['sub', 'amr'],
  profile: ['name', 'preferred_username', 'locale', 'website'],
  email: ['email', 'email_verified'],
};

/** The person of an account that lives. An address is told only when it is known to be theirs. */
export function createFindAccount(options: { db: Queryable; profiles: Profiles; clock: Clock }): FindAccount {
  const { db, profiles, clock } = options;
  return async (context, sub): Promise<Account | undefined> => {
    if (!isId(sub)) return undefined;
    const [row] = await db.query<{ id: string; email: string | null }>(FIND, [sub]);
    if (row === undefined) return undefined;
    return {
      accountId: row.id,
      async claims(use, scope) {
        // The ID token tells who it is; the rest is asked for at userinfo.
        const scopes = scope.split(' ');
        if (use === 'id_token') return { sub: row.id };
        const requestId = requestIdOf(context.req.headers, clock);
        const user = scopes.includes('profile')
          ? await profiles.byId(row.id, { requestId }).catch(async (error: unknown) => {
              // With the library, which is there when this is called, and must not be before.
              const { providerErrorOf } = await import('../provider-errors.ts');
              throw providerErrorOf(error);
            })
          : undefined;
        const { displayName = '', handle, locale = '', links: [website] = [] } = user ?? {};
        return {
          sub: row.id,
          ...(row.email === null ? {} : { email: row.email, email_verified: true }),
          ...(handle === undefined
            ? {}
            : { name: displayName === '' ? handle : displayName, preferred_username: handle }),
          ...(locale === '' ? {} : { locale }),
          ...(website === undefined ? {} : { website }),
        };
      },
    };
  };
}
