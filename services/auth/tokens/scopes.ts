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

/** OpenID Connect's own: who the person is, and that the client may go on when the person is away. */
export const IDENTITY_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;

export const OAUTH_SCOPES: readonly string[] = [...IDENTITY_SCOPES, ...API_SCOPES];

const API: ReadonlySet<string> = new Set(API_SCOPES);

/** Those of all scopes that are among these, in the order of OAUTH_SCOPES. */
export function inOrder(scopes: readonly string[]): string[] {
  return OAUTH_SCOPES.filter((scope) => scopes.includes(scope));
}

/** Those of them that an RPC can ask for, in their order; anything else is nothing to an RPC. */
export function apiScopesOf(scope: string): string[] {
  return [...new Set(scope.split(' '))].filter((name) => API.has(name));
}

/** Whether the scope is one that the API knows: what a client may have for itself. */
export function isApiScope(name: string): boolean {
  return API.has(name);
}
