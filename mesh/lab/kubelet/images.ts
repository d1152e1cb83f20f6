import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../../local/settings.ts';
import { releaseOf } from '../../local/stack/version.ts';
import type { LabPrograms } from '../parts/ensure.ts';

/** What stands for an image: files of this machine, by where a container sees them, and how it starts when the pod does not say. */
export type Image = {
  readonly entrypoint: readonly string[];
  readonly workingDir: string;
  /** Unless the pod says otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** Path in the container → path here. Read-only. */
  readonly files: Readonly<Record<string, string>>;
};

/** Where the image of the services has them: Dockerfile. */
const codeRoot = '/srv/oxo';
const code = [
  'package.json',
  'node_modules',
  'services',
  'gen',
  'mesh/kit',
  'mesh/kubernetes',
  'mesh/local',
  'gateway',
];
const binDir = '/usr/local/bin';

/**
 * Every image that the lab can run, by the last part of its name without tag and registry.
 * `oxo` is the image of all services, `oxo-gateway` the front door; `proxyv2` is Istio's sidecar and gateway.
 */
export function labImages(programs: LabPrograms): Readonly<Record<string, Image>> {
  const node = { [`${binDir}/node`]: process.execPath };
  const envoy = { [`${binDir}/envoy`]: programs.envoy };
  const ours = Object.fromEntries(
    code
      .map((path) => [join(codeRoot, path), join(repositoryRoot, path)] as const)
      .filter(([, path]) => existsSync(path)),
  );
  const env = { OXO_VERSION: releaseOf() };
  const bootstrap = join(dirname(programs.pilotAgent), 'envoy_bootstrap.json');
  return {
    oxo: { entrypoint: ['node'], workingDir: codeRoot, env, files: { ...node, ...ours } },
    'oxo-gateway': { entrypoint: ['envoy'], workingDir: codeRoot, env, files: { ...node, ...envoy, ...ours } },
    envoy: { entrypoint: ['envoy'], workingDir: '/', files: envoy },
    ratelimit: {
      entrypoint: ['/bin/ratelimit'],
      workingDir: '/',
      files: { '/bin/ratelimit': programs.ratelimit },
    },
    proxyv2: {
      entrypoint: [`${binDir}/pilot-agent`],
      workingDir: '/',
      files: {
        ...envoy,
        [`${binDir}/pilot-agent`]: programs.pilotAgent,
        '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json': bootstrap,
      },
    },
  };
}

/** `registry.example/team/oxo:1.2@sha256:…` → `oxo`. */
export function imageName(reference: string): string {
  const last = reference.split('/').at(-1) ?? '';
  return last.replace(/[:@].*$/, '');
}
