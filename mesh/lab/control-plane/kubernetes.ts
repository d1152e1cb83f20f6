import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { logPathOf } from '../../local/supervisor/group.ts';
import type { ProcessSpec } from '../../local/supervisor/process.ts';
import { type Api, type ApiAccess, connectApi } from '../api/client.ts';
import type { Lab } from '../folder.ts';
import { addresses } from '../net/names.ts';
import type { LabPrograms } from '../parts/ensure.ts';
import { type Authority, type Credential, kubeconfigOf, makeAuthority, makeSigningKey } from './certificates.ts';

const etcdPort = 2379;
const etcdPeerPort = 2380;
const apiserverPort = 6443;
const controllerManagerPort = 10_257;
const loopback = '127.0.0.1';
const readyTimeoutMs = 180_000;

/** Certificates, keys and kubeconfigs of one cluster. */
export type Cluster = {
  readonly authority: Authority;
  readonly signing: { readonly key: string; readonly publicKey: string };
  readonly server: Credential;
  /** For people, and for what stands in for the kubelet. */
  readonly adminKubeconfig: string;
  readonly access: ApiAccess;
};

/** Makes all that the control plane is started with. */
export async function makeCluster(lab: Lab): Promise<Cluster> {
  const folder = join(lab.clusterDir, 'certificates');
  const authority = await makeAuthority(folder);
  const [signing, server, admin] = await Promise.all([
    makeSigningKey(folder),
    authority.issue('apiserver', '/CN=kube-apiserver', apiserverHosts()),
    authority.issue('admin', '/O=system:masters/CN=admin'),
  ]);
  const adminKubeconfig = kubeconfigPath(lab);
  const config = kubeconfigOf(`https://${addresses.node}:${apiserverPort}`, authority, admin);
  await writeFile(adminKubeconfig, config, { mode: 0o600 });
  return { authority, signing, server, adminKubeconfig, access: accessOf(authority, admin) };
}

/** Where the administrator's kubeconfig is. It is of use inside the node's namespace only. */
export function kubeconfigPath(lab: Lab): string {
  return join(lab.clusterDir, 'kubeconfig');
}

/** The API of a lab that runs, or undefined when there is none. To be called in the node's namespace. */
export function openApi(lab: Lab): Api | undefined {
  const folder = join(lab.clusterDir, 'certificates');
  const paths = (name: string) => ({ key: join(folder, `${name}.key`), certificate: join(folder, `${name}.crt`) });
  if (!existsSync(kubeconfigPath(lab))) return undefined;
  return connectApi(accessOf(paths('ca'), paths('admin')));
}

export function etcd(lab: Lab, programs: LabPrograms): ProcessSpec {
  const dataDir = join(lab.clusterDir, 'etcd');
  const [clients, peers] = [`http://${loopback}:${etcdPort}`, `http://${loopback}:${etcdPeerPort}`];
  return {
    ...common(lab, 'etcd', programs.etcd),
    args: [
      ...['--name=lab', `--data-dir=${dataDir}`, '--log-level=warn'],
      ...[`--listen-client-urls=${clients}`, `--advertise-client-urls=${clients}`],
      ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`, `--initial-cluster=lab=${peers}`],
      // What it holds is made anew with each lab.
      '--unsafe-no-fsync',
    ],
    probe: () => answersHttp(`${clients}/health`),
  };
}

export function apiserver(lab: Lab, programs: LabPrograms, cluster: Cluster): ProcessSpec {
  const { authority, signing, server } = cluster;
  const issuer = 'https://kubernetes.default.svc';
  return {
    ...common(lab, 'kube-apiserver', programs.apiserver),
    args: [
      ...[`--etcd-servers=http://${loopback}:${etcdPort}`, `--cert-dir=${join(lab.clusterDir, 'certificates')}`],
      ...[
        `--bind-address=${addresses.node}`,
        `--advertise-address=${addresses.node}`,
        `--secure-port=${apiserverPort}`,
      ],
      ...[`--tls-cert-file=${server.certificate}`, `--tls-private-key-file=${server.key}`],
      ...[`--client-ca-file=${authority.certificate}`, '--authorization-mode=Node,RBAC', '--anonymous-auth=false'],
      ...[`--service-cluster-ip-range=${addresses.services}`, '--enable-aggregator-routing=true'],
      ...[`--service-account-key-file=${signing.publicKey}`, `--service-account-signing-key-file=${signing.key}`],
      ...[`--service-account-issuer=${issuer}`, `--api-audiences=${issuer},istio-ca`],
      ...['--allow-privileged=true', '--profiling=false'],
    ],
    probe: () => isReady(cluster.access),
  };
}

/** What it would ask clouds and disks is switched off, and so is the judge of nodes: nobody beats the heart of ours. */
const withoutControllers = [
  ...['node-ipam-controller', 'node-lifecycle-controller', 'cloud-node-lifecycle-controller'],
  ...['service-lb-controller', 'persistentvolume-binder-controller', 'persistentvolume-attach-detach-controller'],
];

export function controllerManager(lab: Lab, programs: LabPrograms, cluster: Cluster): ProcessSpec {
  const { authority, signing } = cluster;
  const config = cluster.adminKubeconfig;
  return {
    ...common(lab, 'kube-controller-manager', programs.controllerManager),
    args: [
      ...[`--kubeconfig=${config}`, `--authentication-kubeconfig=${config}`, `--authorization-kubeconfig=${config}`],
      ...[`--bind-address=${loopback}`, `--secure-port=${controllerManagerPort}`, '--leader-elect=false'],
      ...[`--service-account-private-key-file=${signing.key}`, `--root-ca-file=${authority.certificate}`],
      ...['--use-service-account-credentials=false', '--profiling=false'],
      `--cert-dir=${join(lab.clusterDir, 'controller-manager')}`,
      `--controllers=${['*', ...withoutControllers.map((name) => `-${name}`)].join(',')}`,
    ],
    probe: () => accepts(controllerManagerPort, loopback),
  };
}

function accessOf(ca: Credential, user: Credential): ApiAccess {
  const read = (path: string): string => readFileSync(path, 'utf8');
  const [certificate, key] = [read(user.certificate), read(user.key)];
  return { host: addresses.node, port: apiserverPort, ca: read(ca.certificate), certificate, key };
}

function apiserverHosts(): string[] {
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  return [...names, 'localhost', loopback, addresses.node, addresses.apiserver];
}

/** What all of the control plane have in common. Each is told to stop, then killed: the API server lingers while etcd is away. */
export function common(lab: Lab, name: string, command: string) {
  mkdirSync(lab.clusterDir, { recursive: true, mode: 0o755 });
  return {
    ...{ name, command, readyTimeoutMs },
    env: { PATH: process.env.PATH ?? '', HOME: lab.clusterDir, TZ: 'UTC' },
    cwd: lab.clusterDir,
    logPath: logPathOf(lab.logDir, name),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 6_000,
  } as const;
}

/** Whether a URL answers 200 within a second. */
export async function answersHttp(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  return response.status === 200;
}

async function isReady(access: ApiAccess): Promise<boolean> {
  const api = connectApi(access);
  try {
    return (await api.text('/readyz')) === 'ok';
  } finally {
    api.close();
  }
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
