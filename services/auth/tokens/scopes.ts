/** What our own sign-ins may do, and clients and API keys may ask for. Administration is never among it: clients do not administer. */
export const API_SCOPES = [
  'profile:read',
  'profile:write',
  'posts:read',
  'posts:write',
  'follows:write',
  'feed:read',
  'media:write',
  'notifications:read',
  'notifications:write',
] as const;

/** No RPC asks for these yet: sign-ins have them already, so that nobody has to sign in anew for the first that does; nobody is offered them. */
const UNUSED: ReadonlySet<string> = new Set(['media:write', 'notifications:read', 'notifications:write']);

/** What an API key may have, and a client ask for. */
export const OFFERED_API_SCOPES = API_SCOPES.filter((scope) => !UNUSED.has(scope));

/** OpenID Connect's own: who the person is, and that the client may go on when the person is away. */
export const IDENTITY_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;

/** All that a client may ask for. */
export const OAUTH_SCOPES: readonly string[] = [...IDENTITY_SCOPES, ...OFFERED_API_SCOPES];

const API: ReadonlySet<string> = new Set(API_SCOPES);

/** Those of all scopes that are among these, in the order of OAUTH_SCOPES. */
export function inOrder(scopes: readonly string[]): string[] {
  return OAUTH_SCOPES.filter((scope) => scopes.includes(scope));
}

/** Those of them that an RPC can ask for, in their order; anything else is nothing to an RPC. */
export function apiScopesOf(scope: string): string[] {
  return [...new Set(scope.split(' '))].filter((name) => API.has(name));
}

export interface ScopeProblem {
  scope: string;
  description: string;
}

/**
 * The first that is wrong of the scopes that a client asks for.
 * @param offered of which all must be
 * @returns undefined when nothing is
 */
export function problemOfScopes(scope: string, offered: readonly string[] = OAUTH_SCOPES): ScopeProblem | undefined {
  const wrong = scope.split(' ').find((name) => name !== '' && !offered.includes(name));
  if (wrong === undefined) return undefined;
  // It stands in an address and in logs: no more of it than could be a name.
  const name = /^[\w:.-]{1,64}$/.test(wrong) ? wrong : '?';
  return { scope: name, description: `there is no scope ${name}; there are: ${offered.join(' ')}` };
}
