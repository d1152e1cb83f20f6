import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, PodSpec } from '../api/types.ts';
import { addresses } from '../net/names.ts';
import { stateHosts } from '../state/objects.ts';

/** A sidecar's agent asks for it before it answers names itself. */
const istiodName = 'istiod.istio-system.svc';
const users = [
  ['root', 0],
  ['nobody', 65_534],
] as const;

/** The files that a kubelet and a runtime put into /etc of a pod. */
export async function writeEtc(folder: string, { metadata, spec }: Pod, podIp: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const hosts = [
    '127.0.0.1 localhost',
    `${podIp} ${metadata.name}`,
    ...(hasSidecar(spec) ? [`${addresses.node} ${istiodName}`] : stateHosts()),
    ...(spec.hostAliases ?? []).map(({ ip, hostnames }) => `${ip} ${hostnames.join(' ')}`),
  ];
  const ids = users.map(([name, id]) => [name, id] as const);
  const files: Readonly<Record<string, readonly string[]>> = {
    hosts,
    hostname: [metadata.name],
    'resolv.conf': [
      `nameserver ${addresses.dns}`,
      `search ${metadata.namespace}.svc.cluster.local svc.cluster.local cluster.local`,
      'options ndots:5',
    ],
    passwd: ids.map(([name, id]) => `${name}:x:${id}:${id}:${name}:/:/usr/sbin/nologin`),
    group: ids.map(([name, id]) => `${name}:x:${id}:`),
  };
  for (const [name, lines] of Object.entries(files))
    await writeFile(join(folder, name), `${lines.join('\n')}\n`, { mode: 0o644 });
}

/** Or is itself nothing but one, as a gateway is. */
function hasSidecar({ initContainers = [], containers }: PodSpec): boolean {
  return [...initContainers, ...containers].some(({ name }) => name === 'istio-proxy');
}
