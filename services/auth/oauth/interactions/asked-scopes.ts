import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { problemOfScopes, type ScopeProblem } from '../../tokens/scopes.ts';

const OFFLINE_ACCESS = 'offline_access';

/**
 * What a client asks for in vain is told, as an error of the request, where the library passes over it.
 *
 * Going on when the person is away the library leaves out but for `prompt=consent`. OpenID Connect (Core, section 11) wants that the person has
 * agreed to it, which no grant is made without: so it stays, and who has not agreed yet is asked; not where nobody may be asked.
 * @throws errors.InvalidScope
 */
export function checkAskedScopes({ oidc, query }: KoaContextWithOIDC, _: unknown, client: Client | undefined): void {
  // As it was asked for: of `params` the library has taken away what it does not give.
  const { scope } = oidc.route === 'authorization' ? query : (oidc.body ?? {});
  const asked = typeof scope === 'string' ? scope : '';
  const problem = problemOfScopes(asked) ?? problemOfGrant(asked, client);
  if (problem !== undefined) throw new errors.InvalidScope(problem.description, problem.scope);
  const { scope: kept } = oidc.params ?? {};
  if (!asksForOfflineAccess(asked) || oidc.prompts.has('none') || asksForOfflineAccess(String(kept ?? ''))) return;
  Object.assign(oidc.params ?? {}, { scope: kept === undefined ? OFFLINE_ACCESS : `${kept} ${OFFLINE_ACCESS}` });
}

const asksForOfflineAccess = (scope: string) => scope.split(' ').includes(OFFLINE_ACCESS);

function problemOfGrant(asked: string, client: Client | undefined): ScopeProblem | undefined {
  const isInVain = asksForOfflineAccess(asked) && client?.grantTypeAllowed('refresh_token') === false;
  const description = `${OFFLINE_ACCESS} needs the grant refresh_token, which this client has not registered`;
  return isInVain ? { scope: OFFLINE_ACCESS, description } : undefined;
}
