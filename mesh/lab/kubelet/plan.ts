import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod, SecurityContext } from '../api/types.ts';
import { expand } from './environment.ts';
import { type Image, imageName } from './images.ts';
import { containerPath, type Mount, type SandboxPlan } from './sandbox.ts';

/** Where the parts of one pod lie. */
export type PodFolders = {
  readonly dir: string;
  readonly etc: string;
  readonly logs: string;
  readonly root: (container: string) => string;
  readonly volume: (name: string) => string;
};

export function foldersOf(dir: string): PodFolders {
  return {
    dir,
    etc: join(dir, 'etc'),
    logs: join(dir, 'logs'),
    root: (container) => join(dir, 'roots', container),
    volume: (name) => join(dir, 'volumes', name),
  };
}

/** What keeps a container from being started, as the kubelet would say it. */
export class ContainerConfigError extends Error {
  readonly reason: 'ErrImageNeverPull' | 'CreateContainerConfigError';
  constructor(reason: ContainerConfigError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Of a container of the pod whose security context says nothing: what a runtime gives to root. */
const usualCapabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP'],
  ...['NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
];

export type PlannedContainer = { readonly sandbox: SandboxPlan; readonly env: Readonly<Record<string, string>> };

/**
 * How a container of a pod is run.
 * @param variables of its environment
 * @throws ContainerConfigError when it can't be: an image that the lab does not have, root where that is forbidden, a volume that is not there
 */
export function planContainer(
  pod: Pod,
  container: Container,
  images: Readonly<Record<string, Image>>,
  variables: Readonly<Record<string, string>>,
  at: { readonly netNamespace: string; readonly folders: PodFolders },
): PlannedContainer {
  const image = images[imageName(container.image)];
  if (image === undefined) {
    const known = Object.keys(images).join(', ');
    throw new ContainerConfigError('ErrImageNeverPull', `the lab has no image ${container.image}, only ${known}`);
  }
  const user = userOf(pod, container);
  const usual = { PATH: containerPath, HOME: user.uid === 0 ? '/root' : '/', HOSTNAME: pod.metadata.name };
  const env = { ...usual, ...image.env, ...variables };
  const { command, args = [] } = container;
  const words = [...(command ?? image.entrypoint), ...args].map((word) => expand(word, variables));
  return {
    env,
    sandbox: {
      ...{ netNamespace: at.netNamespace, rootDir: at.folders.root(container.name), etcDir: at.folders.etc },
      mounts: [...imageMounts(image), ...volumeMounts(pod, container, at.folders)],
      readOnlyRoot: securityOf(pod, container).readOnlyRootFilesystem ?? false,
      workingDir: container.workingDir ?? image.workingDir,
      ...user,
      command: words,
    },
  };
}

function securityOf({ spec }: Pod, { securityContext }: Container): SecurityContext {
  return { ...spec.securityContext, ...securityContext };
}

function userOf(
  pod: Pod,
  container: Container,
): Pick<SandboxPlan, 'uid' | 'gid' | 'groups' | 'capabilities' | 'mayGainPrivileges'> {
  const security = securityOf(pod, container);
  const { runAsUser: uid = 0, runAsGroup, runAsNonRoot = false } = security;
  if (runAsNonRoot && uid === 0) {
    const message = `container ${container.name} must not run as root, and no runAsUser says as whom it does`;
    throw new ContainerConfigError('CreateContainerConfigError', message);
  }
  const { fsGroup, supplementalGroups = [] } = pod.spec.securityContext ?? {};
  return {
    uid,
    gid: runAsGroup ?? 0,
    groups: [...new Set([...(fsGroup === undefined ? [] : [fsGroup]), ...supplementalGroups])],
    capabilities: capabilitiesOf(security),
    mayGainPrivileges: security.privileged === true || security.allowPrivilegeEscalation !== false,
  };
}

/** Dropped first, then added, as runtimes do it. */
function capabilitiesOf({ privileged = false, capabilities: { add = [], drop = [] } = {} }: SecurityContext): string[] {
  const plain = (names: readonly string[]): string[] => names.map((name) => name.replace(/^CAP_/, ''));
  if (privileged || add.includes('ALL')) return ['ALL'];
  const dropped = plain(drop);
  const kept = dropped.includes('ALL') ? [] : usualCapabilities.filter((name) => !dropped.includes(name));
  return [...new Set([...kept, ...plain(add)])];
}

function imageMounts({ files }: Image): Mount[] {
  return Object.entries(files).map(([target, source]) => ({ source, target, readOnly: true, isFile: isFile(source) }));
}

function volumeMounts({ spec }: Pod, { name, volumeMounts: mounts = [] }: Container, folders: PodFolders): Mount[] {
  return mounts.map(({ name: volumeName, mountPath, subPath, readOnly = false }) => {
    const volume = spec.volumes?.find((one) => one.name === volumeName);
    if (volume === undefined) {
      const message = `container ${name} mounts the volume ${volumeName}, which the pod does not have`;
      throw new ContainerConfigError('CreateContainerConfigError', message);
    }
    const source = join(folders.volume(volumeName), subPath ?? '');
    // Only what is empty at first can be written to.
    return { source, target: mountPath, readOnly: readOnly || volume.emptyDir === undefined, isFile: isFile(source) };
  });
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
