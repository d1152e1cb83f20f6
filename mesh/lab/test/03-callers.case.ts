/** Every identity may call exactly what the table of mesh/istio/callers.ts says, RPCs and paths of HTTP, tried one by one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { calleesOf, workloads } from '../../istio/callers.ts';
import { expand, readRpcs } from '../../istio/generate/contracts.ts';
import { askForTokens, podOfCaller, secretOf, services, startCallers, stopCallers, tokenOf } from './identities.ts';
import { type Call, callAs, type Ending, podOf, serviceAddress } from './pods.ts';

const rpcs = readRpcs();
const ingress = 'istio-ingress/ingress';
const callees = [...services, 'gateway', 'ratelimit'];
const callers = [...callees, 'operator', ingress];
const health = 'grpc.health.v1.Health/Check';
const [permissionDenied, unavailable, unauthenticated] = [7, 14, 16];

/** One RPC or path of a callee. */
type Tried = { readonly callee: string; readonly path: string; readonly port: number; readonly isHttp: boolean };

const tokens = new Map<string, string>();
const addresses = new Map<string, Pick<Call, 'address' | 'authority'>>();
before(async () => {
  await startCallers();
  for (const name of services) tokens.set(name, await tokenOf(name));
  for (const { callee, port } of callees.flatMap(triesAt)) {
    const key = `${callee}:${port}`;
    if (!addresses.has(key)) addresses.set(key, await serviceAddress(callee, port));
  }
});
after(stopCallers);

/** All that a callee has: what contracts and table name, and what nobody may ask for. */
function triesAt(callee: string): Tried[] {
  const rpc = (path: string, port = 50_051): Tried => ({ callee, path, port, isHttp: false });
  const http = (path: string, port: number): Tried => ({ callee, path, port, isHttp: true });
  if (callee === 'gateway') return ['/', '/api/v1/feed', '/internal/exchange'].map((path) => http(path, 8_080));
  const named = Object.values(workloads[callee]?.callers ?? {});
  if (callee === 'ratelimit')
    return [health, ...named.flatMap((permissions) => permissions.rpcs)].map((path) => rpc(path, 8_081));
  const packages = callee === 'auth' ? ['auth', 'admin'] : [callee];
  const ours = [...rpcs.keys()].filter((path) => packages.some((name) => path.startsWith(`oxo.${name}.`)));
  // An example of all that is below a path, and neighbours of what is allowed.
  const paths = new Set(named.flatMap(({ paths: own = [] }) => own.map((path) => path.replace('*', 'example'))));
  const nobodys = ['/', '/metrics', '/oauth', '/signins', '/internal/exchange/more', '/.well-known/jwks.json/more'];
  const byHttp = callee === 'auth' ? [...paths, ...nobodys].map((path) => http(path, 8_081)) : [];
  return [...ours, health].map((path) => rpc(path)).concat(byHttp);
}

/** Whether the table lets a caller through. */
function isPermitted(caller: string, { callee, path, isHttp }: Tried): boolean {
  const { rpcs: entries = [], paths = [] } = workloads[callee]?.callers[caller] ?? {};
  if (!isHttp) return entries.some((entry) => entry === path || expand(entry, rpcs).some((rpc) => rpc.path === path));
  return paths.some((entry) => (entry.endsWith('*') ? path.startsWith(entry.slice(0, -1)) : path === entry));
}

/** Whether the mesh asks for the token of a service there. */
const needsToken = ({ callee, path }: Tried): boolean =>
  (workloads[callee]?.verifiesTokens ?? false) && rpcs.get(path)?.callers !== undefined;

/** Stopped by the mesh: by the policy of who is called, or before it left, since the caller's sidecar knows of nobody there. */
function isStopped(caller: string, { callee, isHttp }: Tried, { code, details }: Ending): boolean {
  // Whoever has no list of its own knows everybody.
  const knows = caller === ingress || calleesOf(caller).includes(callee);
  if (isHttp) return (code === 403 && /RBAC/.test(details)) || (!knows && (code === 0 || code === 502));
  return (code === permissionDenied && /RBAC/.test(details)) || (!knows && code === unavailable);
}

async function tryAll(caller: string, tries: readonly Tried[], token: string | undefined): Promise<Ending[]> {
  const calls = tries.map(({ callee, path, port, isHttp }) => ({
    ...(addresses.get(`${callee}:${port}`) as Call),
    ...{ path, ...(isHttp ? { method: 'GET' as const } : {}), ...(token === undefined ? {} : { token }) },
  }));
  const endings = await callAs(await podOfCaller(caller), calls);
  return tries.map((_, index) => endings[index] ?? { code: -1, details: 'no answer', answer: '' });
}

/** What ended otherwise than it should have, in words. */
function wrong(caller: string, tries: readonly Tried[], endings: readonly Ending[], passes: (one: Tried) => boolean) {
  return tries.flatMap((one, index) => {
    const ending = endings[index];
    const stopped = ending === undefined || isStopped(caller, one, ending);
    if (stopped !== passes(one)) return [];
    return [`${one.callee} ${one.path}: ${stopped ? 'stopped' : 'let through'} (${ending?.code} ${ending?.details})`];
  });
}

for (const caller of callers) {
  test(`${caller} may call what the table says, and nothing else`, async (context) => {
    const tries = callees.filter((callee) => callee !== caller).flatMap(triesAt);
    // The operator without a token, else its calls would be done; auth, which decides about them, refuses that.
    const endings = await tryAll(caller, tries, tokens.get(caller));
    const passes = (one: Tried): boolean => isPermitted(caller, one);
    context.diagnostic(`${tries.length} tried, ${tries.filter(passes).length} allowed`);
    assert.deepEqual(wrong(caller, tries, endings, passes), []);
  });
}

const callingAsServices = services.filter((caller) =>
  callees.flatMap(triesAt).some((one) => needsToken(one) && isPermitted(caller, one)),
);
for (const caller of callingAsServices) {
  test(`what ${caller} calls as a service takes its own token, and no other`, async (context) => {
    const tries = callees.flatMap(triesAt).filter((one) => needsToken(one) && isPermitted(caller, one));
    const other = services.find((name) => name !== caller) ?? '';
    for (const token of [undefined, tokens.get(other)]) {
      const endings = await tryAll(caller, tries, token);
      assert.deepEqual(
        wrong(caller, tries, endings, () => false),
        [],
      );
    }
    context.diagnostic(`${tries.length} RPCs, without a token and with that of ${other}`);
  });
}

test('a secret is of no use in the pod of another service', async () => {
  const asked: Parameters<typeof askForTokens>[1][number][] = [];
  for (const clientId of ['post', 'feed', 'auth', 'operator']) {
    const clientSecret = await secretOf(clientId);
    // As it is, and with what only the sidecar of auth may say.
    asked.push({ clientId, clientSecret });
    const uri = `URI=spiffe://cluster.local/ns/oxo-app/sa/${clientId}`;
    for (const header of [uri, `By=a;${uri}`, 'x="'])
      asked.push({ clientId, clientSecret, headers: { 'x-forwarded-client-cert': header } });
  }
  for (const [index, { code, details }] of (await askForTokens(await podOf('user'), asked)).entries())
    assert.equal(
      code,
      unauthenticated,
      `${asked[index]?.clientId} ${JSON.stringify(asked[index]?.headers)}: ${details}`,
    );
  for (const own of ['user', 'operator']) await tokenOf(own);
});
