import type { Permissions, Workload } from '../callers.ts';
import { expand, type Rpc } from './contracts.ts';
import { FOREIGN, grpcPortOf, HTTP_PORT, hostOf, httpPortOf, ofPods, principalOf, resource } from './names.ts';

/** Where the keys are that verify tokens. The sidecar asks itself, by mTLS (README, "Public keys under STRICT"). */
const JWKS_URI = `http://${hostOf('auth')}:${HTTP_PORT}/.well-known/jwks.json`;
/** As in mesh/kubernetes/base/common.env; an overlay with another one changes both. */
const ISSUER = 'https://oxo.example';

interface Rule {
  from: { source: { principals: string[]; requestPrincipals?: string[] } }[];
  to: { operation: { ports: string[]; paths: string[]; methods?: string[] } }[];
}

/** Who may call a workload, and nobody else: all that no policy allows is denied (mesh.yaml). */
export function authorizationPolicy(name: string, workload: Workload, rpcs: ReadonlyMap<string, Rpc>): object {
  const rules = Object.entries(workload.callers).flatMap(([caller, permissions]) =>
    rulesOf(name, caller, permissions, workload.verifiesTokens, rpcs),
  );
  return resource('security', 'AuthorizationPolicy', name, { selector: ofPods(name), action: 'ALLOW', rules });
}

function rulesOf(
  name: string,
  caller: string,
  { rpcs: entries, paths }: Permissions,
  verifiesTokens: boolean,
  rpcs: ReadonlyMap<string, Rpc>,
): Rule[] {
  const port = grpcPortOf(name);
  const kinds = Map.groupBy(entries, (entry) => !FOREIGN.test(entry) && expand(entry, rpcs).every(isInternal));
  const rule =
    (requestPrincipals?: string[]) =>
    (paths: string[], ports: number[], methods?: string[]): Rule => ({
      from: [{ source: { principals: [principalOf(caller)], ...(requestPrincipals && { requestPrincipals }) } }],
      to: [{ operation: { ports: ports.map(String), paths, ...(methods && { methods }) } }],
    });
  const calls = (own: readonly string[] = []) => own.map((entry) => `/${entry}`).sort();
  const [open, internal] = [calls(kinds.get(false)), calls(kinds.get(true))];
  // The token that a service shows must be its own: whoever has stolen one can't use it from another pod.
  const signedBy = verifiesTokens ? [`*/service:${caller}`] : undefined;
  return [
    ...(open.length > 0 ? [rule()(open, [port], ['POST'])] : []),
    ...(internal.length > 0 ? [rule(signedBy)(internal, [port], ['POST'])] : []),
    ...(paths === undefined ? [] : [rule()([...paths].sort(), [httpPortOf(name)])]),
  ];
}

const isInternal = ({ callers }: Rpc): boolean => callers !== undefined;

/** Tokens are verified here as well, where there are some; the service verifies them again, and decides whether one is needed. */
export function requestAuthentication(name: string): object {
  return resource('security', 'RequestAuthentication', name, {
    selector: ofPods(name),
    jwtRules: [
      {
        issuer: ISSUER,
        audiences: ['oxo-api', 'oxo-internal'],
        jwksUri: JWKS_URI,
        // Else the service would not see it any more.
        forwardOriginalToken: true,
      },
    ],
  });
}
