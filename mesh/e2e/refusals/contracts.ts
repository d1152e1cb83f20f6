import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInternal, ourServices, type Rpc, readContracts, rpcsOf } from '../../local/openapi/contracts.ts';
import { repositoryRoot } from '../../local/settings.ts';

/** The contracts, which say what there is to refuse: a new RPC is either tried or missed by complete.test.ts. */
const registry = readContracts(readFileSync(join(repositoryRoot, 'gen/envoy/oxo.binpb')));
const all = ourServices(registry).flatMap((service) =>
  rpcsOf(registry, service).map((rpc) => ({ ...rpc, name: rpc.method.name, internal: isInternal(service) })),
);

export type NamedRpc = Rpc & { readonly name: string; readonly internal: boolean };

export const publicRpcs: readonly NamedRpc[] = all.filter(({ internal }) => !internal);
/** Those that only services may call. The one that gives them their tokens is open to who knows a secret. */
export const internalRpcs: readonly NamedRpc[] = all.filter(({ access }) => access?.kind === 'internal');

/** Public RPCs that need no token, by name. */
export const openRpcs: ReadonlySet<string> = namesOf(publicRpcs.filter(({ access }) => access?.kind === 'open'));

/** Public RPCs that need a scope, by name. */
export const scopedRpcs: ReadonlySet<string> = namesOf(
  publicRpcs.filter(({ access }) => access?.kind === 'signedIn' && access.scopes.length > 0),
);

/** Public RPCs that honour Idempotency-Key, by name. */
export const keyedRpcs: ReadonlySet<string> = namesOf(publicRpcs.filter(({ idempotencyKey }) => idempotencyKey));

/** Public RPCs that honour If-Match, by name. */
export const conditionalRpcs: ReadonlySet<string> = namesOf(publicRpcs.filter(({ ifMatch }) => ifMatch));

/** Public RPCs that give pages, by name. */
export const pagedRpcs: ReadonlySet<string> = namesOf(
  publicRpcs.filter(({ method }) => method.input.fields.some(({ jsonName }) => jsonName === 'pageSize')),
);

/** Names of the internal RPCs that this service may not call. */
export function closedTo(service: string): ReadonlySet<string> {
  return namesOf(internalRpcs.filter(({ access }) => access?.kind === 'internal' && !access.callers.includes(service)));
}

/** Whether the request of an RPC has a body at REST. */
export function hasBody({ http }: NamedRpc): boolean {
  return http.some(({ body }) => body !== '');
}

export type IdPlace = {
  readonly rpc: string;
  /** A right path of this RPC below /api/v1, with another id in this place. */
  readonly withId: (called: string, id: string) => string;
  /** The id's field, as in JSON. */
  readonly field: string;
};

/** Wherever an id stands in the path of a public RPC. */
export const idPlaces: readonly IdPlace[] = publicRpcs.flatMap(({ name, http, method }) =>
  http.flatMap(({ path }) =>
    method.input.fields
      // Those of clients are no UUIDs, so there are none that are wrong.
      .filter(({ name }) => /(^|_)id$/.test(name) && name !== 'client_id' && path.includes(`{${name}}`))
      .map((field) => ({
        rpc: name,
        withId: (called: string, id: string) => replaceId(path, field.name, called, id),
        field: field.jsonName,
      })),
  ),
);

/** @param rule as in the contract: "/api/v1/posts/{post_id}/comments" */
export function replaceId(rule: string, field: string, called: string, id: string): string {
  const parts = rule.replace('/api/v1', '').split('/');
  return called
    .split('/')
    .map((part, index) => (parts[index]?.includes(`{${field}}`) ? parts[index].replace(`{${field}}`, () => id) : part))
    .join('/');
}

function namesOf(rpcs: readonly NamedRpc[]): ReadonlySet<string> {
  return new Set(rpcs.map(({ name }) => name));
}
