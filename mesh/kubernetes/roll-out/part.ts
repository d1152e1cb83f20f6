/**
 * One part of the manifests, for a rollout part by part: `kubectl kustomize OVERLAY | node mesh/kubernetes/roll-out/part.ts PART` prints what kubectl
 * applies. kubectl itself chooses by labels and never by kind. The order of the parts, and what is waited for between them: runbooks/roll-out.md.
 */
import { text } from 'node:stream/consumers';
import { parseAllDocuments, stringify } from 'yaml';

type Resource = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly scaleTargetRef?: { readonly name: string } };
};

/** Kept by operators and by NATS' StatefulSet. */
const DATA_KINDS = ['Cluster', 'ObjectStore', 'ScheduledBackup', 'RedisCluster', 'Redis', 'StatefulSet'];
/** With the Deployment that they scale: KEDA refuses one of a Deployment that is not there yet. */
const SCALING_KINDS = ['ScaledObject', 'HorizontalPodAutoscaler'];

/** `first` (namespaces, policies, settings and secrets), `data`, `migration`, or the name of a Deployment. */
function partOf({ kind, metadata, spec }: Resource): string {
  if (kind === 'Job') return 'migration';
  if (kind === 'Deployment') return metadata.name;
  if (SCALING_KINDS.includes(kind)) return spec?.scaleTargetRef?.name ?? metadata.name;
  return DATA_KINDS.includes(kind) ? 'data' : 'first';
}

/**
 * What belongs to a part, namespaces before what is in them. Each resource belongs to exactly one.
 * @param manifests documents of YAML, as kustomize prints them
 * @throws when nothing belongs to it
 */
export function selectPart(manifests: string, part: string): Resource[] {
  const documents = parseAllDocuments(manifests).map((document) => document.toJS() as Resource | null);
  const all = documents.filter((one) => one !== null);
  const found = all.filter((one) => partOf(one) === part);
  if (found.length === 0) {
    const parts = [...new Set(['first', 'data', 'migration', ...all.map(partOf)])];
    throw new Error(`nothing belongs to "${part}"; the parts are ${parts.join(', ')}`);
  }
  const isNamespace = ({ kind }: Resource) => kind === 'Namespace';
  return [...found.filter(isNamespace), ...found.filter((one) => !isNamespace(one))];
}

if (process.argv[1] === import.meta.filename) {
  const found = selectPart(await text(process.stdin), process.argv[2] ?? '');
  process.stdout.write(found.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n'));
}
