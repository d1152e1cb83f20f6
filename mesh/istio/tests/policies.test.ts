/** What the mesh's policies must not get wrong, by the files that a cluster gets. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import {
  indexOf,
  networkPolicyOf,
  only,
  type Resource,
  readCommonSettings,
  readResources,
} from '../../kubernetes/testing/manifests.ts';
import { services } from '../../local/services.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { calleesOf, workloads } from '../callers.ts';
import { canaryDeployment, canaryRoutes } from '../canary.ts';
import { readRpcs } from '../generate/contracts.ts';

const folder = join(repositoryRoot, 'mesh/istio');
const rpcs = readRpcs();

function read(name: string): Resource[] {
  return parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map((document) => document.toJS() as Resource);
}

type Route = {
  readonly match?: { readonly port: number; readonly uri?: { readonly regex: string } }[];
  readonly timeout: string;
  readonly retries: { readonly attempts: number; readonly retryOn?: string };
};

type Ingress = {
  readonly from?: { readonly podSelector?: { readonly matchLabels: { readonly app: string } } }[];
  readonly ports: { readonly port: number }[];
};

type Rule = {
  readonly from: [{ readonly source: { readonly principals: [string] } }];
  readonly to: [{ readonly operation: { readonly ports: string[] } }];
};

/** The route that an RPC takes: the first that fits. */
function routeOf(path: string, routes: readonly Route[]): Route | undefined {
  return routes.find(({ match = [] }) =>
    match.some(
      ({ port, uri }) => port === 50_051 && (uri === undefined || new RegExp(`^(?:${uri.regex})$`).test(`/${path}`)),
    ),
  );
}

describe('the policies of the mesh', () => {
  it('are a file for each process, in the index', () => {
    const { named } = indexOf(folder);
    const wanted = [
      ...Object.keys(workloads).map((name) => `generated/${name}.yaml`),
      'egress.yaml',
      'ingress.yaml',
      'mesh.yaml',
    ];
    assert.deepEqual(named, wanted.sort());
    const pods = indexOf(join(repositoryRoot, 'mesh/kubernetes/base')).named.filter((name) =>
      readResources(name).some(({ kind }) => kind === 'Deployment'),
    );
    assert.deepEqual(
      Object.keys(workloads)
        .map((name) => `${name}.yaml`)
        .sort(),
      pods,
    );
    for (const { name } of services) assert.ok(workloads[name], name);
  });

  it('deny what none of them allows, and know every caller by its certificate', () => {
    const mesh = read('mesh.yaml');
    assert.equal(only(mesh, 'PeerAuthentication').spec.mtls.mode, 'STRICT');
    assert.deepEqual(only(mesh, 'AuthorizationPolicy').spec, {});
    for (const name of Object.keys(workloads)) {
      for (const { kind, spec } of read(`generated/${name}.yaml`)) {
        if (kind !== 'AuthorizationPolicy') continue;
        assert.equal(spec.action, 'ALLOW');
        for (const { from, to } of spec.rules) {
          assert.match(from[0].source.principals[0], /^cluster\.local\/ns\/(oxo-app|istio-ingress)\/sa\/\w+$/);
          assert.ok(to[0].operation.ports.length > 0 && to[0].operation.paths.length > 0);
        }
      }
    }
  });

  it('hand traffic to the account of that name, and to nobody who only wears its label', () => {
    for (const [name, { callers }] of Object.entries(workloads)) {
      const rule = read(`generated/${name}.yaml`).find(({ kind }) => kind === 'DestinationRule');
      assert.equal(rule !== undefined, Object.keys(callers).length > 0, name);
      if (rule === undefined) continue;
      const { mode, subjectAltNames } = rule.spec.trafficPolicy.tls;
      const account = only(readResources(`${name}.yaml`), 'Deployment').spec.template.spec.serviceAccountName;
      assert.deepEqual([mode, subjectAltNames], ['ISTIO_MUTUAL', [`spiffe://cluster.local/ns/oxo-app/sa/${account}`]]);
    }
  });

  it('let the ingress end when its calls have', () => {
    const { spec } = only(read('ingress.yaml'), 'Deployment');
    assert.equal(spec.template.spec.automountServiceAccountToken, false, 'it asks the API server for nothing');
    const drain = /terminationDrainDuration: (\d+)s/.exec(spec.template.metadata.annotations['proxy.istio.io/config']);
    const seconds = Number(drain?.[1]);
    assert.ok(seconds >= 20 && seconds < spec.template.spec.terminationGracePeriodSeconds, String(drain));
  });

  it('try again only what changes nothing and has not begun', () => {
    for (const { name } of services) {
      const { http } = only(read(`generated/${name}.yaml`), 'VirtualService').spec as { http: Route[] };
      for (const route of http) {
        assert.match(route.timeout, /^\d+s$/);
        if (route.retries.attempts > 0)
          assert.match(route.retries.retryOn ?? '', /^connect-failure,refused-stream,reset-before-request$/);
      }
      let [tried, once] = [0, 0];
      for (const { path, isRead, isStream } of rpcs.values()) {
        const attempts = routeOf(path, http)?.retries.attempts;
        assert.ok(attempts !== undefined);
        if (attempts > 0) assert.ok(isRead && !isStream, path);
        if (attempts > 0) tried += 1;
        else once += 1;
      }
      assert.ok(once > 0 && tried > 0, name);
      const own = new Set(Object.values(workloads[name]?.callers ?? {}).flatMap((permissions) => permissions.rpcs));
      for (const { path, isRead, isStream } of rpcs.values()) {
        const isOurs = own.has(path) || own.has(`${path.split('/')[0]}/*`);
        if (isOurs && isRead && !isStream) assert.ok((routeOf(path, http)?.retries.attempts ?? 0) > 0, path);
      }
    }
    const [reads, writes] = only(read('ingress.yaml'), 'VirtualService').spec.http;
    assert.deepEqual([reads.match[0].method.regex, writes.retries.attempts], ['GET|HEAD|OPTIONS', 0]);
  });

  it('verify no token where others than JWTs arrive, and pass on those that they verify', () => {
    const verifying = Object.keys(workloads).filter((name) =>
      read(`generated/${name}.yaml`).some(({ kind }) => kind === 'RequestAuthentication'),
    );
    // API keys and opaque access tokens reach the front door, which shows them to auth, and OAuth's own paths of auth.
    assert.deepEqual(
      verifying.sort(),
      services
        .map(({ name }) => name)
        .filter((name) => name !== 'auth')
        .sort(),
    );
    for (const name of verifying) {
      const [rule] = only(read(`generated/${name}.yaml`), 'RequestAuthentication').spec.jwtRules;
      assert.equal(rule.forwardOriginalToken, true);
      assert.equal(rule.issuer, readCommonSettings().JWT_ISSUER);
    }
    const install = readFileSync(join(folder, 'install/istio.yaml'), 'utf8');
    assert.match(install, /PILOT_JWT_ENABLE_REMOTE_JWKS, value: hybrid/);
  });

  it('let each reach those that it calls and its data, and no more', () => {
    for (const name of Object.keys(workloads)) {
      const { spec } = only(read(`generated/${name}.yaml`), 'Sidecar');
      assert.equal(spec.outboundTrafficPolicy.mode, 'REGISTRY_ONLY');
      const hosts: string[] = spec.egress[0].hosts;
      const own = hosts.flatMap((host) => /^\.\/(\w+)\.oxo-app/.exec(host)?.[1] ?? []);
      assert.deepEqual(own.sort(), calleesOf(name).sort(), name);
      assert.deepEqual(
        hosts.filter((host) => host.includes('*')),
        [],
        `${name} names hosts, not all of a namespace`,
      );
      const labels = only(readResources(`${name}.yaml`), 'Deployment').spec.template.metadata.labels;
      const data = Object.keys(labels).flatMap((label) => /^oxo\.dev\/([\w-]+)$/.exec(label)?.[1] ?? []);
      assert.deepEqual(data.sort(), [...(workloads[name]?.data ?? [])].sort(), name);
    }
  });

  it('agree with the network policies on who calls whom, and where', () => {
    for (const name of Object.keys(workloads)) {
      const { spec } = networkPolicyOf(name);
      const rules: Ingress[] = spec.ingress ?? [];
      const byNetwork = rules.flatMap(({ from = [], ports }) =>
        from.flatMap(({ podSelector }) =>
          podSelector === undefined ? [] : ports.map(({ port }) => `${podSelector.matchLabels.app} ${port}`),
        ),
      );
      const policy = read(`generated/${name}.yaml`).find(({ kind }) => kind === 'AuthorizationPolicy');
      const byMesh: string[] = (policy?.spec.rules ?? []).flatMap(({ from, to }: Rule) =>
        to[0].operation.ports.map((port) => `${from[0].source.principals[0].split('/').at(-1)} ${port}`),
      );
      const ours = byMesh.filter((call) => !call.startsWith('ingress '));
      assert.deepEqual([...new Set(byNetwork)].sort(), [...new Set(ours)].sort(), name);
    }
  });
});

describe('a canary', () => {
  const manifests = readFileSync(join(repositoryRoot, 'mesh/kubernetes/base/post.yaml'), 'utf8');

  it('gets its share of every call, and none at 0', () => {
    const at = (percent: number) =>
      (canaryRoutes('post', percent) as Resource).spec.http as { route: { weight?: number }[] }[];
    for (const { route } of at(5))
      assert.deepEqual(
        route.map(({ weight }) => weight),
        [95, 5],
      );
    for (const { route } of at(0)) assert.equal(route.length, 1);
    assert.deepEqual(canaryRoutes('post', 0), only(read('generated/post.yaml'), 'VirtualService'));
    assert.throws(() => canaryRoutes('post', 101), /from 0 to 100/);
    assert.throws(() => canaryRoutes('posts', 5), /has no posts/);
    assert.throws(() => canaryRoutes('gateway', 5), /gateway has no canary: mesh\/istio\/ingress/);
    assert.throws(() => canaryRoutes('operator', 5), /nobody calls it/);
  });

  it('has pods before it has a share', () => {
    const asked = (...args: string[]) =>
      spawnSync(process.execPath, [join(folder, 'canary.ts'), ...args], { input: manifests, encoding: 'utf8' });
    const { stdout, stderr } = asked('post', '25', 'oxo:next');
    const [pods, routes] = parseAllDocuments(stdout).map((document) => document.toJS() as Resource);
    assert.deepEqual([pods?.kind, pods?.metadata.name], ['Deployment', 'post-canary']);
    assert.deepEqual(routes, canaryRoutes('post', 0));
    assert.match(stderr, /rollout status deployment\/post-canary && node mesh\/istio\/canary.ts post 25 /);
    const refused = asked('gateway', '25', 'oxo:next');
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    assert.match(refused.stderr, /^gateway has no canary[^\n]*\n$/);
  });

  it('is the service, but for its name, label and image', () => {
    const { metadata, spec } = canaryDeployment(manifests, 'post', 'oxo:next');
    assert.equal(metadata.name, 'post-canary');
    assert.deepEqual(spec.selector.matchLabels, { app: 'post', version: 'canary' });
    assert.equal(spec.template.metadata.labels.version, 'canary');
    assert.equal(spec.template.metadata.labels['oxo.dev/postgres'], 'client');
    assert.equal(spec.template.spec.containers[0]?.image, 'oxo:next');
    assert.throws(() => canaryDeployment(manifests, 'feed', 'oxo:next'), /no Deployment feed/);
  });
});
