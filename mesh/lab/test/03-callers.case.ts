/** Every identity may call exactly what the table of mesh/istio/callers.ts says, tried one by one. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { IssueServiceTokenRequest, IssueServiceTokenResponse } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { workloads } from '../../istio/callers.ts';
import { expand, readRpcs } from '../../istio/generate/contracts.ts';
import type { Pod, Secret } from '../api/types.ts';
import { api, appNamespace, type Call, callAs, type Ending, podOf, serviceAddress } from './pods.ts';

const port = 50_051;
const rpcs = readRpcs();
const callees = ['auth', 'user', 'post', 'feed'];
const callers = [...callees, 'gateway', 'ratelimit'];

const addresses = new Map<string, Pick<Call, 'address' | 'authority'>>();
before(async () => {
  for (const callee of callees) addresses.set(callee, await serviceAddress(callee, port));
});

/** Every RPC that a service has, by its contracts' package. */
function rpcsOf(service: string): string[] {
  const packages = service === 'auth' ? ['auth', 'admin'] : [service];
  return [...rpcs.keys()].filter((path) => packages.some((name) => path.startsWith(`oxo.${name}.`)));
}

function mayCall(caller: string, callee: string): Set<string> {
  const entries = workloads[callee]?.callers[caller]?.rpcs ?? [];
  return new Set(entries.flatMap((entry) => expand(entry, rpcs)).map(({ path }) => path));
}

/** What a service shows for its own calls; people's front door has none. */
async function tokenOf(caller: string, pod: Pod): Promise<string | undefined> {
  if (!callees.includes(caller) || caller === 'auth') return undefined;
  const { data = {} } = await api.get<Secret>(`/api/v1/namespaces/${appNamespace}/secrets/${caller}`);
  const clientSecret = Buffer.from(data.SERVICE_SECRET ?? '', 'base64').toString('utf8');
  const request = IssueServiceTokenRequest.encode({ clientId: caller, clientSecret }).finish();
  const path = 'oxo.auth.v1.AuthInternalService/IssueServiceToken';
  const call = { ...(addresses.get('auth') as Call), path, message: Buffer.from(request).toString('base64') };
  const [ending] = await callAs(pod, [call]);
  assert.equal(ending?.code, 0, `${caller} gets a token of its own: ${ending?.details}`);
  return IssueServiceTokenResponse.decode(Buffer.from(ending?.answer ?? '', 'base64')).accessToken;
}

/** Stopped by the mesh: by the policy of who is called, or before it left, since the caller's sidecar knows of nobody there. */
function isStopped({ code, details }: Ending, knowsCallee: boolean): boolean {
  return (code === 7 && /RBAC/.test(details)) || (!knowsCallee && code === 14);
}

for (const caller of callers) {
  test(`${caller} may call what the table says, and nothing else`, async (context) => {
    const pod = await podOf(caller);
    const token = await tokenOf(caller, pod);
    const calls = callees
      .filter((callee) => callee !== caller)
      .flatMap((callee) => rpcsOf(callee).map((path) => ({ callee, path })));
    const endings = await callAs(
      pod,
      calls.map(({ callee, path }) => ({
        ...(addresses.get(callee) as Call),
        path,
        ...(token === undefined ? {} : { token }),
      })),
    );
    const wrong: string[] = [];
    let allowed = 0;
    for (const [index, { callee, path }] of calls.entries()) {
      const ending = endings[index] ?? { code: -1, details: 'no answer', answer: '' };
      const permitted = mayCall(caller, callee);
      const stopped = isStopped(ending, permitted.size > 0);
      const mayPass =
        permitted.has(path) && (token !== undefined || rpcs.get(path)?.callers === undefined || caller === 'auth');
      if (permitted.has(path)) allowed += 1;
      // Who has no token to show is stopped at contracts of services even where the table lets it through.
      if (caller === 'auth' && rpcs.get(path)?.callers !== undefined && permitted.has(path)) continue;
      if (stopped === mayPass)
        wrong.push(`${path}: ${stopped ? 'stopped' : 'let through'} (${ending.code} ${ending.details})`);
    }
    context.diagnostic(`${calls.length} RPCs tried, ${allowed} allowed`);
    assert.deepEqual(wrong, []);
  });
}
