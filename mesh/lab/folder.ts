import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { requireFolder } from '../local/machine/folder.ts';
import { readSettings } from '../local/settings.ts';
import { type NetNames, netNames } from './net/names.ts';

/** Where everything of one lab lies, and how its namespaces are called. */
export type Lab = {
  /** `.oxo/mesh`: state, logs, certificates and pods. Gone with the lab. */
  readonly dir: string;
  readonly cacheDir: string;
  readonly names: NetNames;
  /** Kubernetes keeps its objects, certificates and kubeconfig here. */
  readonly clusterDir: string;
  /** A folder a pod: volumes and logs. */
  readonly podsDir: string;
  /** The stack of servers outside the mesh. */
  readonly serversDir: string;
  readonly logDir: string;
};

/** @throws CliError when its folder can't be used */
export function openLab(env: NodeJS.ProcessEnv): Lab {
  const { stateDir, cacheDir } = readSettings(env);
  const wanted = join(stateDir, 'mesh');
  requireFolder(wanted, 'OXO_STATE_DIR');
  const dir = realpathSync(wanted);
  return {
    ...{ dir, cacheDir, names: netNames(dir) },
    clusterDir: join(dir, 'cluster'),
    podsDir: join(dir, 'pods'),
    serversDir: join(dir, 'servers'),
    logDir: join(dir, 'logs'),
  };
}
