import type { CallContext } from '#kit/rpc/context.ts';

/** Set by the sidecar of auth's own pod, from the certificate of whoever has connected to it. */
const HEADER = 'x-forwarded-client-cert';
/** The account of a pod in the name of its certificate: `spiffe://<trust domain>/ns/<namespace>/sa/<account>`. */
const ACCOUNT = /(?:^|;)URI=spiffe:\/\/[^;,"]+\/sa\/([^/;,"]+)(?:;|$)/;

/**
 * By whose certificate a call came through a mesh. What a caller sends under this header is worth nothing: a sidecar adds its own element behind it.
 * @returns the account of the pod, empty when the certificate names none; undefined where there is no mesh
 */
export function certifiedCaller({ metadata }: Pick<CallContext, 'metadata'>): string | undefined {
  const value = metadata.getAll(HEADER).at(-1);
  if (value === undefined) return undefined;
  const own = String(value).split(',').at(-1) ?? '';
  return ACCOUNT.exec(own)?.[1] ?? '';
}
