/** The table of who may call what is neither narrower nor wider than the code. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMetrics } from '#kit/observability/metrics.ts';
import { serveJwks } from '../../../services/auth/keys/jwks.ts';
import { type AuthServiceParts, createAuthService } from '../../../services/auth/server.ts';
import { services } from '../../local/services.ts';
import { workloads } from '../callers.ts';
import { expand, readRpcs } from '../generate/contracts.ts';
import { callsIn, contractsOf, loadedBy, type Sources, sourcesOf } from './code.ts';

const rpcs = readRpcs();
const shortName = (path: string): string => path.replace(/^oxo\.\w+\.v1\./, '');

/** What the table allows a caller, as the code names it. */
function allowed(caller: string): string[] {
  const entries = Object.values(workloads).flatMap(({ callers }) => callers[caller]?.rpcs ?? []);
  return entries.map(shortName).sort();
}

/** What the code calls of contracts that it has clients of; the names of all else that it calls are not those of RPCs. */
function called(sources: Sources): string[] {
  const known = new Set([...rpcs.keys()].map(shortName));
  const contracts = contractsOf(sources);
  const calls = [...callsIn(sources)].filter((call) => contracts.has(call.split('/')[0] ?? ''));
  return calls.filter((call) => known.has(call)).sort();
}

describe('the table of callers', () => {
  for (const { name, main } of services) {
    it(`allows ${name} what its code calls, and nothing else`, () => {
      assert.deepEqual(
        called(loadedBy(main)),
        allowed(name),
        `what ${main} calls (first) and what ${name} may call (second: callers in proto/, else mesh/istio/callers.ts)`,
      );
    });
  }

  it('allows the operator what the commands call', () => {
    // `askAuth` hands over a client under the name that its callback gives it.
    const sources = [...sourcesOf('mesh/local/{client,commands,credentials}')].map(([path, text]): [string, string] => [
      path,
      /askAuth\(|asOperator\(/.test(text) ? `const auth = x.client(AuthInternalServiceDefinition);\n${text}` : text,
    ]);
    assert.deepEqual(called(new Map(sources)), allowed('operator'));
  });

  it('sees a call that is not allowed, and a permission that nobody uses', () => {
    const main = 'services/feed/main.ts';
    const sources = new Map(loadedBy(main));
    // Beside what the code calls today, which another test compares with the table.
    const today = called(sources);
    const plant = (text: string) => called(new Map([...sources, ['services/feed/planted.ts', text]]));
    const more = plant(
      'export function f(users: RpcClient<UserInternalServiceDefinition>) {\n  return users.resolveUser({});\n}',
    );
    assert.deepEqual(
      more.filter((call) => !today.includes(call)),
      ['UserInternalService/ResolveUser'],
    );
    sources.delete('services/feed/feed/followers.ts');
    const fewer = called(sources);
    assert.deepEqual(
      today.filter((call) => !fewer.includes(call)),
      ['UserInternalService/StreamFollowerIds'],
    );
  });

  it('allows exactly those whom the contracts name', () => {
    const [byTables, byContracts]: [string[], string[]] = [[], []];
    for (const { path, callers } of rpcs.values()) {
      if (callers === undefined) continue;
      const byTable = Object.values(workloads).flatMap((workload) =>
        Object.entries(workload.callers).flatMap(([caller, permissions]) =>
          permissions.rpcs.some((entry) => expand(entry, rpcs).some((rpc) => rpc.path === path)) ? [caller] : [],
        ),
      );
      byTables.push(`${path}: ${byTable.sort()}`);
      byContracts.push(`${path}: ${[...callers].sort()}`);
    }
    assert.deepEqual(byTables, byContracts);
  });

  it('leads each call to who serves it', () => {
    for (const [name, { callers }] of Object.entries(workloads)) {
      const served = services.find((service) => service.name === name);
      if (served === undefined) continue;
      const sources = [...loadedBy(served.main).values()].join('\n');
      for (const entry of Object.values(callers).flatMap((permissions) => permissions.rpcs)) {
        const contract = shortName(entry).split('/')[0];
        assert.match(
          sources,
          new RegExp(`server\\.add\\(\\s*(${contract}Definition|FeedService)\\b`),
          `${name}: ${entry}`,
        );
      }
    }
  });

  it('allows of what auth serves by HTTP all, and nothing else', () => {
    const served = servedByAuth();
    const paths = workloads.auth?.callers.gateway?.paths ?? [];
    const covers = (path: string, entry: string) =>
      entry.endsWith('*') ? path.startsWith(entry.slice(0, -1)) : path === entry;
    for (const path of served) {
      const example = path.endsWith('/') ? `${path}example` : path;
      assert.ok(
        paths.some((entry) => covers(example, entry)),
        example,
      );
    }
    for (const entry of paths) {
      // Also what may come to stand below a page; auth itself says that there is no such path.
      const isOf = (path: string) =>
        covers(path.endsWith('/') ? `${path}example` : path, entry) || `${path}/*` === entry;
      assert.ok(served.some(isOf), entry);
    }
  });

  it('has the keys read by whoever verifies tokens', () => {
    for (const { name } of services) {
      if (name === 'auth') continue;
      assert.deepEqual(workloads.auth?.callers[name]?.paths, ['/.well-known/jwks.json'], name);
    }
  });
});

/** The paths for which auth has a handler. Nothing of it runs. */
function servedByAuth(): string[] {
  const served: string[] = [];
  const http = {
    port: 0,
    handle: ({ path }: { path: string }) => void served.push(path),
    handleMissing() {},
    close: async () => {},
  };
  const own: Partial<AuthServiceParts> = {
    oauth: { issuer: 'https://oxo.example', cookieSecrets: ['a secret of this test'] },
    ...{ apiKeyTagSecrets: [Buffer.alloc(32)], mailTokenSecrets: [Buffer.alloc(32)], metrics: createMetrics() },
  };
  const parts = new Proxy(own, { get: (_, name) => own[name as keyof AuthServiceParts] ?? {} });
  serveJwks(http, () => ({ keys: [] }));
  createAuthService(parts as AuthServiceParts).serveHttp(http);
  return served;
}
