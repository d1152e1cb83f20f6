import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { findSupervisor, stopOrphans, stopSupervisor } from '../local/supervisor/orphans.ts';
import type { Lab } from './folder.ts';
import { ownNamespaces, removeNamespace } from './net/network.ts';

/**
 * Stops whatever runs of a lab, whether or not somebody still owns it, and removes its namespaces and files.
 * @returns what there was, in words; nothing when there was none
 */
export async function removeLab(lab: Lab): Promise<string[]> {
  const found: string[] = [];
  const owner = findSupervisor(lab.dir);
  if (owner !== undefined) {
    found.push('the lab');
    await stopSupervisor(owner);
  }
  for (const folder of [lab.dir, lab.serversDir]) {
    if (!existsSync(folder)) continue;
    const left = await stopOrphans(folder);
    if (left.length > 0) found.push(left.join(', '));
  }
  const namespaces = ownNamespaces(lab.names);
  for (const namespace of namespaces) await removeNamespace(namespace);
  if (namespaces.length > 0) found.push(`${namespaces.length} network namespaces`);
  await rm(lab.dir, { recursive: true, force: true });
  return found;
}
