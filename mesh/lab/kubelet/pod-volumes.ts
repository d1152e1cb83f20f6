import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedRuns } from '#kit/shared-runs.ts';
import { type Api, isNotFound } from '../api/client.ts';
import type { ConfigMap, Pod, Secret } from '../api/types.ts';
import { addresses } from '../net/names.ts';
import type { PodContext } from './context.ts';
import { MissingError, type Sources } from './environment.ts';
import { ContainerConfigError, type PodFolders } from './plan.ts';
import { filesOf, isSupported, makeEmptyVolume, type TokenSource, writeVolume } from './volumes.ts';

/** The volumes of one pod on the disk, kept as they are in the API. */
export type PodVolumes = {
  /** Those that are empty at first. */
  readonly makeEmpty: () => Promise<void>;
  /** Writes all others as they are now. @throws MissingError for what is not there yet */
  readonly refresh: () => Promise<void>;
  readonly sources: () => Promise<Sources>;
  readonly stop: () => void;
};

const refreshMs = 5_000;

export function createPodVolumes(
  pod: Pod,
  folders: PodFolders,
  { api, nodeName, say }: Pick<PodContext, 'api' | 'nodeName' | 'say'>,
  { podIp }: { readonly podIp: string },
): PodVolumes {
  const { volumes = [], securityContext } = pod.spec;
  const group = securityContext?.fsGroup;
  const written = new Map<string, string[]>();
  const token = createTokens(api, pod);

  const sources = async (): Promise<Sources> => {
    const named = namesIn(pod);
    const [configMaps, secrets] = await Promise.all([
      readAll<ConfigMap>(api, pod, 'configmaps', named.configMaps),
      readAll<Secret>(api, pod, 'secrets', named.secrets),
    ]);
    return {
      ...{ pod, podIp, nodeName, hostIp: addresses.node },
      configMap: (name) => configMaps.get(name),
      secret: (name) => secrets.get(name),
    };
  };
  const refresh = sharedRuns(async () => {
    const now = await sources();
    for (const volume of volumes.filter(({ emptyDir }) => emptyDir === undefined)) {
      const files = await filesOf(volume, now, token);
      const paths = await writeVolume(folders.volume(volume.name), files, group, written.get(volume.name));
      written.set(volume.name, paths);
    }
  });
  const timer = setInterval(() => {
    if (written.size === 0) return;
    refresh().catch((error: unknown) => {
      // Who takes a ConfigMap away leaves its files as they were.
      if (!(error instanceof MissingError)) say(`volumes of ${pod.metadata.name}: ${String(error)}`);
    });
  }, refreshMs);
  timer.unref();
  return {
    ...{ refresh, sources },
    makeEmpty: async () => {
      const unsupported = volumes.find((volume) => !isSupported(volume));
      if (unsupported !== undefined) {
        const message = `the lab has no volumes of the kind of ${unsupported.name}`;
        throw new ContainerConfigError('CreateContainerConfigError', message);
      }
      for (const { name, emptyDir } of volumes)
        if (emptyDir !== undefined) await makeEmptyVolume(folders.volume(name), group);
      const { initContainers = [], containers } = pod.spec;
      for (const { volumeMounts = [] } of [...initContainers, ...containers]) {
        for (const { name, subPath } of volumeMounts) {
          const isEmpty = volumes.some((volume) => volume.name === name && volume.emptyDir !== undefined);
          if (isEmpty && subPath !== undefined) await mkdir(join(folders.volume(name), subPath), { recursive: true });
        }
      }
    },
    stop: () => clearInterval(timer),
  };
}

/** One token for each audience, renewed when four fifths of its life are over. */
function createTokens(api: Api, { metadata, spec }: Pod): TokenSource {
  const tokens = new Map<string, { readonly token: string; readonly renewAtMs: number }>();
  const account = spec.serviceAccountName ?? 'default';
  return async (audience, expirationSeconds = 3_600) => {
    const key = `${audience} ${expirationSeconds}`;
    const kept = tokens.get(key);
    if (kept !== undefined && performance.now() < kept.renewAtMs) return kept.token;
    const asked = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        ...(audience === undefined ? {} : { audiences: [audience] }),
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid },
      },
    };
    const path = `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${account}/token`;
    const { status } = await api.create<{ status: { token: string } }>(path, asked);
    tokens.set(key, { token: status.token, renewAtMs: performance.now() + expirationSeconds * 800 });
    return status.token;
  };
}

/** Every ConfigMap and Secret that a pod names. */
function namesIn({ spec }: Pod): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const note = (set: Set<string>, ref: { readonly name?: string } | undefined): void => {
    if (ref?.name !== undefined) set.add(ref.name);
  };
  for (const { configMap, secret, projected } of spec.volumes ?? []) {
    note(configMaps, configMap);
    note(secrets, secret === undefined ? undefined : { name: secret.secretName });
    for (const source of projected?.sources ?? []) {
      note(configMaps, source.configMap);
      note(secrets, source.secret);
    }
  }
  for (const { env = [], envFrom = [] } of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const { valueFrom } of env) {
      note(configMaps, valueFrom?.configMapKeyRef);
      note(secrets, valueFrom?.secretKeyRef);
    }
    for (const { configMapRef, secretRef } of envFrom) {
      note(configMaps, configMapRef);
      note(secrets, secretRef);
    }
  }
  return { configMaps, secrets };
}

async function readAll<T>(api: Api, pod: Pod, kind: string, names: ReadonlySet<string>): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  for (const name of names) {
    try {
      found.set(name, await api.get<T>(`/api/v1/namespaces/${pod.metadata.namespace}/${kind}/${name}`));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return found;
}
