import { appendFile } from 'node:fs/promises';
import { CliError, messageOf } from '../../local/cli/cli-error.ts';
import type { Pod } from '../api/types.ts';
import { inNamespace } from '../net/network.ts';
import type { LabPrograms } from '../parts/ensure.ts';

/** What Istio's injector adds where a plugin of the node's network sets the rules, so that pods need no rights for it. */
const validation = 'istio-validation';
const onlyChecks = ['--run-validation', '--skip-rule-apply'];

/**
 * Sends a pod's traffic through its sidecar, as Istio's network plugin does on a node: by the very arguments with which the pod then checks
 * it. Pods without a sidecar, and those that do it themselves (istio-init), are left alone.
 */
export async function redirectTraffic(
  pod: Pod,
  namespace: string,
  programs: LabPrograms,
  logPath: string,
): Promise<void> {
  const container = pod.spec.initContainers?.find(({ name }) => name === validation);
  if (container === undefined) return;
  const { folder, env } = programs.tables;
  const args = (container.args ?? []).filter((word) => !onlyChecks.includes(word));
  const said = await inNamespace(namespace, programs.pilotAgent, [...args, '--redirect-dns', '--capture-all-dns'], {
    ...env,
    PATH: `${folder}:${process.env.PATH ?? ''}`,
  }).catch((error: unknown) => {
    throw new CliError(`traffic of ${pod.metadata.name} can't be sent through its sidecar: ${messageOf(error)}`);
  });
  await appendFile(logPath, said);
}
