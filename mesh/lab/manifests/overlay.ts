import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../../local/cli/cli-error.ts';
import { repositoryRoot } from '../../local/settings.ts';
import type { Api } from '../api/client.ts';
import { runProgram } from '../net/run.ts';
import type { LabPrograms } from '../parts/ensure.ts';
import { createApplier, type Manifest } from './apply.ts';
import { readManifests } from './read.ts';

/** Those of any cluster, for this one. */
const overlay = join(repositoryRoot, 'mesh/kubernetes/overlays/lab');
const componentLabel = 'app.kubernetes.io/component';
const migrationTimeoutMs = 300_000;
const pollMs = 500;

/** @returns the manifests of the overlay for the lab; undefined when there are none */
export async function buildOverlay(programs: Pick<LabPrograms, 'kustomize'>): Promise<Manifest[] | undefined> {
  if (!existsSync(overlay)) return undefined;
  const text = await runProgram(programs.kustomize, ['build', '--load-restrictor=LoadRestrictionsNone', overlay]);
  return readManifests(text, overlay);
}

/**
 * Applies them as a rollout does: what others stand on, then the migrations to their end, then the rest.
 * @returns kinds that were left out, since this API server does not know them
 * @throws CliError when a migration fails
 */
export async function applyOverlay(
  api: Api,
  manifests: readonly Manifest[],
  note: (text: string) => void,
): Promise<string[]> {
  const applier = createApplier(api);
  const isMigration = ({ kind, metadata }: Manifest): boolean =>
    kind === 'Job' && metadata.labels?.[componentLabel] === 'migration';
  const isWorkload = ({ kind }: Manifest): boolean => ['Deployment', 'StatefulSet', 'CronJob', 'Job'].includes(kind);
  const unknown = await applier.apply(manifests.filter((one) => !isWorkload(one)));
  const migrations = manifests.filter(isMigration);
  await applier.apply(migrations);
  for (const { metadata } of migrations) {
    note(`migrations: ${metadata.name}`);
    await untilComplete(api, metadata.namespace ?? 'default', metadata.name);
  }
  const rest = manifests.filter((one) => isWorkload(one) && !isMigration(one));
  return [...new Set([...unknown, ...(await applier.apply(rest))])];
}

type Job = {
  readonly status?: { readonly succeeded?: number; readonly conditions?: readonly { type: string; status: string }[] };
};

async function untilComplete(api: Api, namespace: string, name: string): Promise<void> {
  const deadlineMs = performance.now() + migrationTimeoutMs;
  for (;;) {
    const { status } = await api.get<Job>(`/apis/batch/v1/namespaces/${namespace}/jobs/${name}`);
    const is = (wanted: string): boolean =>
      status?.conditions?.some(({ type, status: value }) => type === wanted && value === 'True') ?? false;
    if (is('Complete')) return;
    if (is('Failed') || performance.now() > deadlineMs) {
      throw new CliError(
        `the job ${name} ${is('Failed') ? 'has failed' : `is not done in ${migrationTimeoutMs / 1_000} s`}`,
        {
          advice: [`./oxo mesh logs ${name}`, './oxo mesh status'],
        },
      );
    }
    await delay(pollMs);
  }
}
