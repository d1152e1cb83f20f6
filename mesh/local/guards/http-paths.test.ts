/** What auth answers by HTTP and what the front door lets through to it are two lists: neither has what the other lacks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '#kit/observability/metrics.ts';
import { routes } from '../../../gateway/envoy/routes.ts';
import { everyUpstream } from '../../../gateway/envoy/testing/upstreams.ts';
import { serveJwks } from '../../../services/auth/keys/jwks.ts';
import { type AuthServiceParts, createAuthService } from '../../../services/auth/server.ts';

type Served = { readonly path: string; readonly methods: readonly string[] };
type Header = { readonly name: string; readonly string_match?: { readonly exact?: string } };
type Match = {
  readonly path?: string;
  readonly prefix?: string;
  readonly path_separated_prefix?: string;
  readonly headers?: readonly Header[];
};
type Route = {
  readonly match: Match;
  readonly route?: { readonly cluster?: string };
  readonly metadata?: { readonly filter_metadata: Readonly<Record<string, { readonly write?: string }>> };
};

/** Only the front door itself asks there, when it exchanges a credential. */
const internal = ['/internal/exchange'];

/** A path that ends with a slash stands for what follows it. */
const example = ({ path }: Served): string => (path.endsWith('/') ? `${path}example` : path);

function isUnder(path: string, { match }: Route): boolean {
  if (match.path !== undefined) return path === match.path;
  const { prefix, path_separated_prefix: whole } = match;
  if (prefix !== undefined) return path.startsWith(prefix);
  return whole !== undefined && (path === whole || path.startsWith(`${whole}/`));
}

function isTaken(path: string, method: string, route: Route): boolean {
  const methods = (route.match.headers ?? []).filter(({ name }) => name === ':method');
  return isUnder(path, route) && methods.every(({ string_match }) => string_match?.exact === method);
}

/** What is wrong between the two, in words. */
function differences(served: readonly Served[], frontDoor: readonly Route[]): string[] {
  const ways = frontDoor.filter(({ route }) => route?.cluster === 'auth_http');
  const found: string[] = [];
  for (const each of served) {
    const path = example(each);
    for (const method of each.methods) {
      const way = ways.find((route) => isTaken(path, method, route));
      if (internal.includes(each.path)) {
        if (way !== undefined) found.push(`the front door lets ${method} ${path} in`);
      } else if (way === undefined) found.push(`${method} ${path} cannot be reached`);
      else if (method === 'POST' && way.metadata === undefined) {
        found.push(`POST ${path} is not counted`);
      }
    }
  }
  for (const way of ways) {
    if (!served.some((each) => isUnder(example(each), way))) {
      found.push(`nobody answers at ${way.match.path ?? way.match.prefix ?? way.match.path_separated_prefix}`);
    }
  }
  return [...new Set(found)];
}

/** The paths for which auth has a handler. Nothing of it runs. */
function servedByAuth(): Served[] {
  const served: Served[] = [];
  const http = {
    port: 0,
    handle: (route: Served) => void served.push(route),
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

function routesOfFrontDoor(): Route[] {
  const nowhere = { host: '127.0.0.1', port: 1 };
  return routes({
    ...{ listen: nowhere, admin: nowhere, authHttp: nowhere, trustedHops: 0, corsOrigins: [] },
    ...{ descriptorPath: '', publicUrl: 'https://oxo.example' },
    upstreams: everyUpstream(nowhere),
  }) as Route[];
}

test('each path that auth answers is reached through the front door, which leads to no other', () => {
  const [served, frontDoor] = [servedByAuth(), routesOfFrontDoor()];
  assert.ok(served.length > 15, JSON.stringify(served));
  assert.deepEqual(differences(served, frontDoor), []);
});

test('what one of them lacks is seen', () => {
  const [served, frontDoor] = [servedByAuth(), routesOfFrontDoor()];
  const more = (path: string, ...methods: string[]) => differences([...served, { path, methods }], frontDoor);
  assert.deepEqual(more('/settings', 'GET', 'POST'), [
    'GET /settings cannot be reached',
    'POST /settings cannot be reached',
  ]);
  assert.deepEqual(more('/signinx', 'GET'), ['GET /signinx cannot be reached']);
  const without = (path: string) => served.filter((each) => each.path !== path);
  assert.deepEqual(differences(without('/consent'), frontDoor), ['nobody answers at /consent']);
  const to = (match: Match): Route => ({ match, route: { cluster: 'auth_http' } });
  assert.deepEqual(differences(served, [to({ prefix: '/internal/' }), ...frontDoor]).slice(0, 2), [
    'the front door lets GET /internal/exchange in',
    'the front door lets HEAD /internal/exchange in',
  ]);
  assert.deepEqual(differences(served, [to({ path_separated_prefix: '/consent' }), ...frontDoor]), [
    'POST /consent is not counted',
  ]);
});
