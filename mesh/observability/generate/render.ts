import { stringify } from 'yaml';
import { renderDashboards } from '../dashboards/dashboards.ts';
import { readRuleFiles } from '../rules/read.ts';

/** Where they lie, from the root of the repository: all in it is made. */
const generatedFolder = 'mesh/observability/generated';

/** By path from the root: dashboards as Grafana reads them, and all of it as a cluster takes it. */
export function renderObservability(): Map<string, string> {
  const dashboards = renderDashboards();
  return new Map([
    ...[...dashboards].map(([name, text]) => [`${generatedFolder}/dashboards/${name}`, text] as const),
    [`${generatedFolder}/rules.yaml`, renderRules()],
    [`${generatedFolder}/kustomization.yaml`, renderKustomization([...dashboards.keys()])],
  ]);
}

/** A PrometheusRule for each file. */
function renderRules(): string {
  return readRuleFiles()
    .map(({ name, groups }) => {
      const metadata = { name: `oxo-${name.replace(/\.yaml$/, '')}`, labels: { 'app.kubernetes.io/part-of': 'oxo' } };
      return stringify({ apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', metadata, spec: { groups } });
    })
    .join('---\n');
}

/** One ConfigMap for each dashboard, as Grafana's sidecar looks for them. */
function renderKustomization(names: readonly string[]): string {
  return stringify({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: 'monitoring',
    resources: ['rules.yaml'],
    generatorOptions: {
      disableNameSuffixHash: true,
      labels: { grafana_dashboard: '1', 'app.kubernetes.io/part-of': 'oxo' },
      annotations: { grafana_folder: 'OXO' },
    },
    configMapGenerator: names.map((name) => ({
      name: `dashboard-${name.replace(/\.json$/, '')}`,
      files: [`dashboards/${name}`],
    })),
  });
}
