/** Whose kinds the manifests have: each is described in a Go module, pinned by version and hash. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { CliError, messageOf } from '../../local/cli/cli-error.ts';

const run = promisify(execFile);
const DOWNLOAD_LIMIT_MS = 5 * 60_000;

export type SchemaModule = {
  readonly path: string;
  readonly version: string;
  /** Of the module, as go.sum has it. */
  readonly sum: string;
  /** What describes its kinds, by paths in the module: an OpenAPI document, or definitions of custom resources. */
  readonly openApi?: string;
  readonly crds?: readonly string[];
};

export const schemaModules: readonly SchemaModule[] = [
  {
    path: 'k8s.io/kubernetes',
    version: 'v1.36.3',
    sum: 'h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o=',
    openApi: 'api/openapi-spec/swagger.json',
  },
  {
    path: 'istio.io/istio',
    version: 'v0.0.0-20260827124520-eed52ebb66ad',
    sum: 'h1:ui9TJjRMAV/hb5ehQaZDq7IUGxuQP6dra9lapT/VjHI=',
    crds: ['manifests/charts/base/files/crd-all.gen.yaml'],
  },
  {
    path: 'github.com/cloudnative-pg/cloudnative-pg',
    version: 'v1.28.0',
    sum: 'h1:vkv0a0ewDSfJOPJrsyUr4uczsxheReAWf/k171V0Dm0=',
    crds: ['clusters', 'scheduledbackups'].map((name) => `config/crd/bases/postgresql.cnpg.io_${name}.yaml`),
  },
  {
    path: 'github.com/cloudnative-pg/plugin-barman-cloud',
    version: 'v0.15.0',
    sum: 'h1:gNVytrzzYUE08wxLDrjfJqy1FPPSFkMe1OEr4s4pVI0=',
    crds: ['config/crd/bases/barmancloud.cnpg.io_objectstores.yaml'],
  },
  {
    path: 'github.com/kedacore/keda/v2',
    version: 'v2.21.0',
    sum: 'h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=',
    crds: ['config/crd/bases/keda.sh_scaledobjects.yaml'],
  },
  {
    path: 'github.com/external-secrets/external-secrets',
    version: 'v1.3.2',
    sum: 'h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=',
    crds: ['externalsecrets', 'secretstores'].map((name) => `config/crds/bases/external-secrets.io_${name}.yaml`),
  },
  {
    path: 'github.com/cert-manager/cert-manager',
    version: 'v1.21.2',
    sum: 'h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=',
    crds: ['deploy/crds/cert-manager.io_certificates.yaml'],
  },
  {
    path: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
    crds: ['podmonitors', 'prometheusrules'].map(
      (name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
  },
];

/**
 * The folder of a module, fetched unless it is there.
 * @param go the program
 * @throws CliError when it can't be had, or is another than was pinned
 */
export async function fetchModule({ path, version, sum }: SchemaModule, go: string): Promise<string> {
  const args = ['mod', 'download', '-json', `${path}@${version}`];
  const options = { cwd: tmpdir(), env: { ...process.env, GO111MODULE: 'on', GOWORK: 'off' } };
  const { stdout } = await run(go, args, { ...options, timeout: DOWNLOAD_LIMIT_MS }).catch((error: unknown) => {
    const advice = ['Is a Go module proxy reachable (go env GOPROXY)?'];
    throw new CliError(`${path} can't be fetched: ${messageOf(error)}`, { advice, cause: error });
  });
  const { Dir, Sum } = JSON.parse(stdout) as { Dir: string; Sum: string };
  if (Sum !== sum) throw new CliError(`${path}@${version} is another than was pinned: ${Sum}`);
  return Dir;
}
