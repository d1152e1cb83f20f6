/** Who calls in the mesh, as the pods that they are, and by which tokens. */
import assert from 'node:assert/strict';
import { IssueServiceTokenRequest, IssueServiceTokenResponse } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import type { Pod, Secret } from '../api/types.ts';
import { createApplier } from '../manifests/apply.ts';
import { scale } from './deployments.ts';
import { ownPod } from './own-pods.ts';
import { api, appNamespace, type Call, callAs, type Ending, podOf, serviceAddress, until } from './pods.ts';

/** Services of ours, each with a secret by which auth knows it. */
export const services = ['auth', 'user', 'post', 'feed'];
const issue = 'oxo.auth.v1.AuthInternalService/IssueServiceToken';

/** The ingress itself is no place to call from: nothing but its Envoy goes by its certificate. So a pod of its account does. */
const [ingressNamespace, ingressCaller] = ['istio-ingress', 'lab-caller'];

/** Starts what does not run all the time: the operator's shell, and a pod with the account of the ingress. */
export async function startCallers(): Promise<void> {
  await createApplier(api).apply([
    ownPod({ name: ingressCaller, namespace: ingressNamespace, account: 'ingress', labels: { app: ingressCaller } }),
  ]);
  await scale('operator', 1);
}

export async function stopCallers(): Promise<void> {
  await scale('operator', 0);
  await api.remove(`/api/v1/namespaces/${ingressNamespace}/pods/${ingressCaller}`);
}

/** @param caller as mesh/istio/callers.ts names it */
export async function podOfCaller(caller: string): Promise<Pod> {
  if (!caller.startsWith(`${ingressNamespace}/`)) return podOf(caller);
  const found = () => podOf(ingressCaller, ingressNamespace).catch(() => undefined);
  return until('a pod of the account of the ingress is ready', 120_000, found);
}

export async function secretOf(caller: string): Promise<string> {
  const { data = {} } = await api.get<Secret>(`/api/v1/namespaces/${appNamespace}/secrets/${caller}`);
  const secret = data[caller === 'operator' ? 'OPERATOR_SECRET' : 'SERVICE_SECRET'] ?? '';
  return Buffer.from(secret, 'base64').toString('utf8');
}

/** What a pod asks auth for a token with. */
type Asked = Partial<Call> & { readonly clientId: string; readonly clientSecret: string };

/** Asks auth for tokens of services, from a pod. */
export async function askForTokens(pod: Pod, asked: readonly Asked[]): Promise<Ending[]> {
  const auth = await serviceAddress('auth', 50_051);
  const calls = asked.map(({ clientId, clientSecret, ...more }) => {
    const request = IssueServiceTokenRequest.encode({ clientId, clientSecret }).finish();
    return { ...auth, path: issue, message: Buffer.from(request).toString('base64'), ...more };
  });
  const endings = await callAs(pod, calls);
  assert.equal(endings.length, asked.length);
  return endings;
}

/** The token of a service, as its own pod gets it: auth from itself, past its sidecar, since it makes its own. */
export async function tokenOf(caller: string): Promise<string> {
  const own = caller === 'auth' ? { address: '127.0.0.1:50051', authority: 'auth' } : {};
  const asked = { clientId: caller, clientSecret: await secretOf(caller), ...own };
  const [ending] = await askForTokens(await podOfCaller(caller), [asked]);
  assert.equal(ending?.code, 0, `${caller} gets a token of its own: ${ending?.details}`);
  return IssueServiceTokenResponse.decode(Buffer.from(ending?.answer ?? '', 'base64')).accessToken;
}
