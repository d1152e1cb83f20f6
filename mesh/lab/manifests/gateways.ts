import { readFileSync } from 'node:fs';
import type { Authority } from '../control-plane/certificates.ts';
import { tlsSecret } from '../state/objects.ts';
import type { Manifest } from './apply.ts';

type Server = { readonly hosts?: readonly string[]; readonly tls?: { readonly credentialName?: string } };
type Gateway = Manifest & {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>>; readonly servers?: readonly Server[] };
};
type Deployment = Manifest & {
  readonly spec?: {
    readonly template?: { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } };
  };
};

/** A certificate by the lab's authority for each that a Gateway names, in the namespace where its pods look for it. */
export async function certificatesOfGateways(
  manifests: readonly Manifest[],
  authority: Authority,
): Promise<Manifest[]> {
  const made: Manifest[] = [];
  const given = new Set(manifests.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => metadata.name));
  for (const gateway of manifests.filter(
    ({ kind, apiVersion }) => kind === 'Gateway' && apiVersion.includes('istio'),
  )) {
    const { selector = {}, servers = [] } = (gateway as Gateway).spec ?? {};
    for (const { hosts = [], tls } of servers) {
      const name = tls?.credentialName;
      if (name === undefined || given.has(name)) continue;
      given.add(name);
      const names = hosts.map((host) => host.split('/').at(-1) ?? host);
      const { certificate, key } = await authority.issue(`gateway-${name}`, `/CN=${names[0] ?? name}`, names);
      const namespace = namespaceOf(manifests, selector) ?? gateway.metadata.namespace ?? 'default';
      made.push(tlsSecret(name, namespace, readFileSync(certificate, 'utf8'), readFileSync(key, 'utf8')));
    }
  }
  return made;
}

function namespaceOf(manifests: readonly Manifest[], selector: Readonly<Record<string, string>>): string | undefined {
  const matches = manifests
    .filter(({ kind }) => kind === 'Deployment')
    .find((deployment) => {
      const labels = (deployment as Deployment).spec?.template?.metadata?.labels ?? {};
      return Object.entries(selector).every(([name, value]) => labels[name] === value);
    });
  return matches?.metadata.namespace;
}
