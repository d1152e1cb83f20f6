import { existsSync, lstatSync } from 'node:fs';

/** Where a container sees a file or folder of this machine. */
export type Mount = {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly isFile: boolean;
};

/** Everything that a container is started with but its variables and its log. */
export type SandboxPlan = {
  readonly netNamespace: string;
  /** An empty folder, over which its root is mounted. */
  readonly rootDir: string;
  /** hosts, resolv.conf, passwd, …: copied to /etc. */
  readonly etcDir: string;
  readonly mounts: readonly Mount[];
  readonly readOnlyRoot: boolean;
  readonly workingDir: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Names of capabilities without CAP_, for root. */
  readonly capabilities: readonly string[];
  readonly mayGainPrivileges: boolean;
  readonly command: readonly string[];
};

/** Of this machine: its programs and libraries are those of every container. */
const systemFolders = ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'usr/lib32', 'usr/libexec', 'usr/share'];
const rootLinks = ['bin', 'sbin', 'lib', 'lib64', 'lib32'];
const etcFiles = ['ld.so.cache', 'nsswitch.conf', 'localtime'];
const devices = ['null', 'zero', 'full', 'random', 'urandom'];

/** PATH of containers whose pod says none. */
export const containerPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The command that runs a container: in the pod's network, with a root of its own (the machine's programs, the image's files and the pod's
 * volumes at their real paths), and as its user. All of it replaces itself step by step, so what is started is the container's first process.
 */
export function sandboxCommand(plan: SandboxPlan): { readonly command: string; readonly args: readonly string[] } {
  return {
    command: 'nsenter',
    args: [
      ...[`--net=/run/netns/${plan.netNamespace}`, '--', 'unshare', '--mount', '--propagation', 'private', '--'],
      ...['/bin/sh', '-ec', script(plan), 'sandbox', ...plan.command],
    ],
  };
}

/** What joins a container that runs, for its probes and hooks. */
export function joinCommand(pid: number, plan: SandboxPlan, command: readonly string[]): string[] {
  const joining = [`--target=${pid}`, '--mount', '--net', '--root', '--wd'];
  return ['nsenter', ...joining, '--', ...asUser(plan), ...command];
}

function script(plan: SandboxPlan): string {
  const root = quote(plan.rootDir);
  const below = (path: string): string => quote(`${plan.rootDir}${path}`);
  const lines = [`mount -t tmpfs -o mode=755,size=64m tmpfs ${root}`];
  const folders = ['/etc', '/proc', '/dev/shm', '/tmp', '/root', '/var', '/run', '/usr/local/bin', '/.old'];
  lines.push(`mkdir -p ${folders.map(below).join(' ')}`, `chmod 1777 ${below('/tmp')} ${below('/dev/shm')}`);
  lines.push(`ln -s /run ${below('/var/run')}`);
  for (const folder of systemFolders.filter((name) => existsSync(`/${name}`)))
    lines.push(`mkdir -p ${below(`/${folder}`)}`, `mount --bind -o ro /${folder} ${below(`/${folder}`)}`);
  lines.push(...programLinks(plan.mounts, below));
  for (const name of rootLinks.filter((each) => existsSync(`/${each}`))) {
    if (lstatSync(`/${name}`).isSymbolicLink()) lines.push(`ln -s usr/${name} ${below(`/${name}`)}`);
    else lines.push(`mkdir -p ${below(`/${name}`)}`, `mount --bind -o ro /${name} ${below(`/${name}`)}`);
  }
  for (const name of etcFiles.filter((each) => existsSync(`/etc/${each}`)))
    lines.push(`cp -L /etc/${name} ${below(`/etc/${name}`)}`);
  if (existsSync('/etc/ssl'))
    lines.push(`mkdir ${below('/etc/ssl')}`, `mount --bind -o ro /etc/ssl ${below('/etc/ssl')}`);
  lines.push(`cp ${quote(plan.etcDir)}/* ${below('/etc/')}`, `mount --rbind /proc ${below('/proc')}`);
  for (const name of devices)
    lines.push(`: > ${below(`/dev/${name}`)}`, `mount --bind /dev/${name} ${below(`/dev/${name}`)}`);
  lines.push(`ln -s /proc/self/fd ${below('/dev/fd')}`);
  for (const [number, name] of ['stdin', 'stdout', 'stderr'].entries())
    lines.push(`ln -s /proc/self/fd/${number} ${below(`/dev/${name}`)}`);
  for (const { source, target, isFile } of byDepth(plan.mounts)) {
    const at = below(placeOf(target));
    lines.push(isFile ? `mkdir -p "$(dirname ${at})"; [ -e ${at} ] || : > ${at}` : `mkdir -p ${at}`);
    lines.push(`mount --bind ${quote(source)} ${at}`);
  }
  // Not before all are there: one may lie in another, which needs a folder for it.
  for (const { target } of plan.mounts.filter(({ readOnly }) => readOnly))
    lines.push(`mount -o remount,bind,ro ${below(placeOf(target))}`);
  lines.push(`cd ${root}`, 'pivot_root . .old', 'cd /', 'umount -l /.old', 'rmdir /.old');
  if (plan.readOnlyRoot) lines.push('mount -o remount,ro /');
  lines.push(`cd ${quote(plan.workingDir)}`, `exec ${asUser(plan).map(quote).join(' ')} "$@"`);
  return lines.join('\n');
}

/** Switches to the user of a container; who is not root has no capabilities, as they are not ambient. */
function asUser({ uid, gid, groups, capabilities, mayGainPrivileges }: SandboxPlan): string[] {
  const others = groups.filter((group) => group !== gid);
  const kept = capabilities.map((name) => `+${name.toLowerCase()}`);
  return [
    ...['setpriv', `--reuid=${uid}`, `--regid=${gid}`],
    others.length === 0 ? '--clear-groups' : `--groups=${others.join()}`,
    ...[`--bounding-set=${['-all', ...kept].join()}`, `--inh-caps=${['-all', ...kept].join()}`],
    ...(mayGainPrivileges ? [] : ['--no-new-privs']),
    '--',
  ];
}

/** Outer folders first: what is mounted later covers what is below it. */
function byDepth(mounts: readonly Mount[]): Mount[] {
  const depth = ({ target }: Mount): number => target.split('/').filter(Boolean).length;
  return mounts.toSorted((a, b) => depth(a) - depth(b));
}

/** A program of an image in /bin, which is a link to a folder of the machine, where nothing can be added. */
const programPath = /^\/(?:usr\/)?bin\/([^/]+)$/;

/** Lays links to such programs over that folder. */
function programLinks(mounts: readonly Mount[], below: (path: string) => string): string[] {
  const names = mounts.map(({ target }) => programPath.exec(target)?.[1]).filter((name) => name !== undefined);
  if (names.length === 0) return [];
  return [
    `mkdir ${below('/.bin')}`,
    ...names.map((name) => `ln -s ${quote(`/usr/local/bin/${name}`)} ${below(`/.bin/${name}`)}`),
    `mount -t overlay -o lowerdir=${below('/.bin')}:/usr/bin overlay ${below('/usr/bin')}`,
  ];
}

/** Where a mount really goes: /var/run is a link, which must not lead out of the root that is being made. */
function placeOf(target: string): string {
  return target.replace(/^\/var\/run(?=\/|$)/, '/run').replace(programPath, '/usr/local/bin/$1');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
