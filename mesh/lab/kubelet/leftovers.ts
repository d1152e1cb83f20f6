import { readlinkSync } from 'node:fs';
import { signal } from '../../local/supervisor/proc.ts';
import { processesIn } from '../net/network.ts';

/** The mount namespace of a container, by its first process. @returns undefined where it is still ours, or there is no such process */
export function mountNamespaceOf(pid: number | undefined): string | undefined {
  try {
    const [its, own] = [pid, 'self'].map((who) => readlinkSync(`/proc/${who}/ns/mnt`));
    return its === own ? undefined : its;
  } catch {
    return undefined;
  }
}

/** Ends what the first process of a container has left behind, which is nobody's child any more: it is known by its root. */
export async function endLeftovers(netNamespace: string, mountNamespace: string | undefined): Promise<void> {
  if (mountNamespace === undefined) return;
  const running = await processesIn(netNamespace).catch(() => []);
  for (const one of running) if (mountNamespaceOf(one.pid) === mountNamespace) signal(one, 'SIGKILL');
}
