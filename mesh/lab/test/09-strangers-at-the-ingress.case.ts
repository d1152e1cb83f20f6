/** What strangers write down in their own namespaces changes nothing of what people find at our ingress. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createApplier, type Manifest } from '../manifests/apply.ts';
import { openIngress } from './ingress.ts';
import { api, callPlainly, ipOf, lab, podOf, until } from './pods.ts';

const namespace = 'oxo-lab-thieves';
/** What the stranger answers to all that it is asked. */
const answer = 'taken by somebody else';
const code = `require('node:http').createServer((_, response) => response.end('${answer}')).listen(8080, '0.0.0.0')`;
const gatewayPath = '/apis/networking.istio.io/v1/namespaces/istio-ingress/gateways/oxo';
const [ownHost, otherHost] = ['oxo.example', 'evil.example'];
const login = '/api/v1/auth/login';

type Servers = readonly { readonly hosts: readonly string[] }[];
const { spec } = await api.get<{ readonly spec: { readonly servers: Servers } }>(gatewayPath);
const ingress = await openIngress();
const ip = ipOf(await podOf('istio=ingress', 'istio-ingress'));

function made(apiVersion: string, kind: string, name: string, rest: object): Manifest {
  return { apiVersion, kind, metadata: { name, namespace, labels: { app: name } }, ...rest } as Manifest;
}

function routes(name: string, gateway: string, host: string, prefix: string): Manifest {
  const route = [{ destination: { host: `thief.${namespace}.svc.cluster.local`, port: { number: 80 } } }];
  const http = [{ match: [{ uri: { prefix } }], route }];
  return made('networking.istio.io/v1', 'VirtualService', name, { spec: { hosts: [host], gateways: [gateway], http } });
}

/** In whose namespaces routes for our own host may stand. */
async function setNamespaces(whose: string): Promise<void> {
  const servers = spec.servers.map((server) => ({ ...server, hosts: [`${whose}${ownHost}`] }));
  await api.merge(gatewayPath, { spec: { servers } });
}

before(async () => {
  const tls = { mode: 'SIMPLE', credentialName: 'oxo-tls' };
  const hosts = ['*'];
  const servers = [
    { port: { number: 443, name: 'https', protocol: 'HTTPS' }, hosts, tls },
    { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts },
  ];
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  await createApplier(api).apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
    made('v1', 'Service', 'thief', { spec: { selector: { app: 'thief' }, ports } }),
    made('v1', 'Pod', 'thief', {
      spec: { containers: [{ name: 'app', image: 'oxo', command: ['node', '-e', code] }] },
    }),
    made('networking.istio.io/v1', 'Gateway', 'thief', { spec: { selector: { istio: 'ingress' }, servers } }),
    routes('gateway-of-its-own', 'thief', '*', '/'),
    routes('gateway-of-ours', 'istio-ingress/oxo', ownHost, login),
  ]);
  await until('the stranger is ready', 120_000, () => podOf('thief', namespace).catch(() => undefined));
});

after(async () => {
  ingress.close();
  await api.merge(gatewayPath, { spec: { servers: spec.servers } });
  await api.remove(`/api/v1/namespaces/${namespace}`);
});

async function isLoginTaken(): Promise<boolean> {
  const response = await fetch(`${ingress.url}${login}`, { method: 'POST', body: '{}' });
  return (await response.text()) === answer;
}

/** What the ingress answers to a name that is not ours; empty when it does not. */
function askFor(host: string, servername: string): Promise<string> {
  const ca = readFileSync(join(lab.clusterDir, 'certificates/ca.crt'), 'utf8');
  const options = { host: ip, port: 8443, path: '/', servername, headers: { host }, ca, agent: false };
  return new Promise((resolve) => {
    const asked = request({ ...options, checkServerIdentity: () => undefined, timeout: 5_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(''));
    asked.end();
  });
}

test('a route of another namespace for our host and our Gateway is none', async () => {
  assert.equal(await isLoginTaken(), false);
  // It would take passwords, were the Gateway open to routes of all namespaces: what was written before it is known then, too.
  await setNamespaces('*/');
  await until('it is taken where the Gateway lets everybody in', 60_000, isLoginTaken);
  await setNamespaces('./');
  await until('and not any more', 60_000, async () => !(await isLoginTaken()));
  assert.deepEqual(
    spec.servers.map(({ hosts }) => hosts),
    spec.servers.map(() => [`./${ownHost}`]),
  );
});

test('a Gateway of another namespace has nothing of our pods', async () => {
  for (const [host, servername] of [
    [otherHost, otherHost],
    [otherHost, ownHost],
    [`${ownHost}.`, ownHost],
  ] as const)
    assert.notEqual(await askFor(host, servername), answer, `${host}, by the name ${servername}`);
  const call = { address: `${ip}:8080`, authority: otherHost, path: '/', method: 'GET' } as const;
  const [ending] = await callPlainly([call]);
  assert.notEqual(ending?.details, answer, `${otherHost} in plain text`);
});
