import type { CallContext } from '#kit/rpc/context.ts';

/** Set by the sidecar of auth's own pod, from the certificate of whoever has connected to it. */
const HEADER = 'x-forwarded-client-cert';
/** A pod's name in its certificate: `spiffe://<trust domain>/ns/<namespace>/sa/<account>`. */
const NAME = 'spiffe:\\/\\/([^/;,"]+\\/ns\\/[^/;,"]+)\\/sa\\/([^/;,"]+)';
/** `By` is whose sidecar says it: auth's own. */
const [BY, URI] = [new RegExp(`(?:^|;)By=${NAME}(?:;|$)`), new RegExp(`(?:^|;)URI=${NAME}(?:;|$)`)];

/**
 * By whose certificate a call came through a mesh. What a caller sends under this header is worth nothing: a sidecar adds its own element behind it.
 * @returns the account of the pod, empty when the certificate names none in the namespace of auth itself; undefined where there is no mesh
 */
export function certifiedCaller({ metadata }: Pick<CallContext, 'metadata'>): string | undefined {
  const value = metadata.getAll(HEADER).at(-1);
  if (value === undefined) return undefined;
  const own = String(value).split(',').at(-1) ?? '';
  const [, ourNamespace] = BY.exec(own) ?? [];
  const [, namespace, account = ''] = URI.exec(own) ?? [];
  return ourNamespace !== undefined && namespace === ourNamespace ? account : '';
}
