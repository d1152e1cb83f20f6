import { existsSync, readdirSync } from 'node:fs';
import { CliError, messageOf } from '../../local/cli/cli-error.ts';
import { identify, type ProcessIdentity, signal } from '../../local/supervisor/proc.ts';
import { addresses, type NetNames } from './names.ts';
import { ip, runProgram } from './run.ts';

/** The exit code by which callers know that this machine cannot run the lab at all (EX_UNAVAILABLE of sysexits.h). */
const unable = 69;
const bridge = 'pods';
/**
 * Of the bridge, in the range for local use. One that is not set is the lowest of its links', and so becomes another when a pod comes
 * or goes: whoever has the former one in its ARP cache would send into the void for up to a minute.
 */
const bridgeAddress = '02:6f:78:6f:00:01';
const namespacesDir = '/run/netns';

/**
 * Whether this machine lets us make network namespaces and mounts of our own.
 * @throws CliError that says what is missing, with exit code 69
 */
export async function requirePrivileges(): Promise<void> {
  if (process.platform !== 'linux')
    throw new CliError('the lab needs Linux: it is made of network namespaces', { exitCode: unable });
  if (process.getuid?.() !== 0) {
    throw new CliError('the lab needs root, for network namespaces and iptables rules in them', {
      exitCode: unable,
      advice: ['sudo ./oxo mesh up', 'Nothing outside its own namespaces, .oxo/mesh and the cache is changed.'],
    });
  }
  for (const program of ['ip', 'nsenter', 'unshare', 'setpriv', 'pivot_root', 'openssl']) {
    await runProgram('sh', ['-c', `command -v ${program}`]).catch(() => {
      throw new CliError(`${program} is missing`, {
        exitCode: unable,
        advice: ['apt-get install iproute2 util-linux openssl'],
      });
    });
  }
  await runProgram('unshare', ['--net', '--mount', 'true']).catch((error: unknown) => {
    throw new CliError(`namespaces can't be made here: ${messageOf(error)}`, {
      exitCode: unable,
      advice: ['In a container, run it with --privileged, or use a virtual machine.'],
    });
  });
}

/**
 * The namespace of the node, with the bridge that pods are connected to; nothing leads out of it.
 * @param others addresses that it has besides its own
 */
export async function makeNodeNetwork(names: NetNames, others: readonly string[]): Promise<void> {
  const { node } = names;
  await ip('netns', 'add', node);
  await ip('-n', node, 'link', 'set', 'lo', 'up');
  await ip('-n', node, 'link', 'add', bridge, 'address', bridgeAddress, 'type', 'bridge');
  for (const address of [addresses.node, addresses.dns, ...others])
    await ip('-n', node, 'addr', 'add', `${address}/${addresses.prefixLength}`, 'dev', bridge);
  await ip('-n', node, 'link', 'set', bridge, 'up');
}

/** The namespace of one pod. To be called in the node's, or anywhere else. */
export async function makePodNetwork(names: NetNames, address: string): Promise<void> {
  const pod = names.pod(address);
  const link = `v${address.split('.').slice(2).join('-')}`;
  await removeNamespace(pod);
  await ip('netns', 'add', pod);
  await ip('-n', pod, 'link', 'set', 'lo', 'up');
  await ip('-n', names.node, 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod);
  await ip('-n', names.node, 'link', 'set', link, 'master', bridge, 'up');
  await ip('-n', pod, 'addr', 'add', `${address}/${addresses.prefixLength}`, 'dev', 'eth0');
  await ip('-n', pod, 'link', 'set', 'eth0', 'up');
  await ip('-n', pod, 'route', 'add', 'default', 'via', addresses.node);
  // As containers have it: whoever runs as another user may serve on 80 and 443.
  await inNamespace(pod, 'sh', ['-c', 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start']);
}

/** Runs a program in a network namespace; the files it sees are those of the machine. */
export function inNamespace(
  namespace: string,
  command: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<string> {
  return runProgram('nsenter', [`--net=${namespacesDir}/${namespace}`, '--', command, ...args], { env });
}

/** Ends whatever still runs in a namespace, and removes it. Nothing happens when there is none. */
export async function removeNamespace(namespace: string): Promise<void> {
  if (!existsSync(`${namespacesDir}/${namespace}`)) return;
  for (const one of await processesIn(namespace)) signal(one, 'SIGKILL');
  await ip('netns', 'delete', namespace);
}

/** Every namespace of this lab. */
export function ownNamespaces(names: NetNames): string[] {
  if (!existsSync(namespacesDir)) return [];
  return readdirSync(namespacesDir).filter(names.isOurs);
}

/** Whatever runs in a namespace, but ourselves. */
export async function processesIn(namespace: string): Promise<ProcessIdentity[]> {
  const pids = (await ip('netns', 'pids', namespace)).split('\n').filter((line) => line !== '');
  const found = pids.map((pid) => identify(Number(pid))).filter((one) => one !== undefined);
  return found.filter(({ pid }) => pid !== process.pid);
}
