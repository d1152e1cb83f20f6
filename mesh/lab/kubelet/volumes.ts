import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ConfigMap, Container, DownwardItem, KeyToPath, Projection, Secret, Volume } from '../api/types.ts';
import { fieldOf, MissingError, resourceOf, type Sources } from './environment.ts';

/** A file of a volume, before it is written. */
export type VolumeFile = { readonly path: string; readonly content: Buffer; readonly mode: number };

/** Gives a token of the pod's service account. */
export type TokenSource = (audience: string | undefined, expirationSeconds: number | undefined) => Promise<string>;

const defaultMode = 0o644;
/** As the kubelet asks for one. */
const defaultTokenSeconds = 3_600;

/** Kinds of volumes that the lab has. */
export function isSupported(volume: Volume): boolean {
  const { emptyDir, configMap, secret, downwardAPI, projected } = volume;
  return [emptyDir, configMap, secret, downwardAPI, projected].some((source) => source !== undefined);
}

/**
 * The files of a volume as they are now; none of an empty one.
 * @throws MissingError for what is not there and not optional
 */
export async function filesOf(volume: Volume, sources: Sources, token: TokenSource): Promise<VolumeFile[]> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) return configMapFiles(configMap, sources, configMap.defaultMode);
  if (secret !== undefined) return secretFiles({ ...secret, name: secret.secretName }, sources, secret.defaultMode);
  if (downwardAPI !== undefined) return downwardFiles(downwardAPI.items, sources, downwardAPI.defaultMode);
  if (projected === undefined) return [];
  const mode = projected.defaultMode;
  const parts = await Promise.all((projected.sources ?? []).map((one) => projectedFiles(one, sources, token, mode)));
  return parts.flat();
}

async function projectedFiles(
  { configMap, secret, downwardAPI, serviceAccountToken }: Projection,
  sources: Sources,
  token: TokenSource,
  mode: number | undefined,
): Promise<VolumeFile[]> {
  if (configMap !== undefined) return configMapFiles(configMap, sources, mode);
  if (secret !== undefined) return secretFiles(secret, sources, mode);
  if (downwardAPI !== undefined) return downwardFiles(downwardAPI.items, sources, mode);
  if (serviceAccountToken === undefined) return [];
  const { audience, expirationSeconds = defaultTokenSeconds, path } = serviceAccountToken;
  return [{ path, content: Buffer.from(await token(audience, expirationSeconds)), mode: mode ?? defaultMode }];
}

type Kept = { readonly name: string; readonly items?: readonly KeyToPath[]; readonly optional?: boolean };

function configMapFiles(kept: Kept, sources: Sources, mode?: number): VolumeFile[] {
  const found: ConfigMap | undefined = sources.configMap(kept.name);
  if (found === undefined && kept.optional !== true) throw new MissingError(`there is no ConfigMap ${kept.name}`);
  const contents = [
    ...Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(found?.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ];
  return select(new Map(contents), kept, `ConfigMap ${kept.name}`, mode);
}

function secretFiles(kept: Kept, sources: Sources, mode?: number): VolumeFile[] {
  const found: Secret | undefined = sources.secret(kept.name);
  if (found === undefined && kept.optional !== true) throw new MissingError(`there is no Secret ${kept.name}`);
  const contents = Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const);
  return select(new Map(contents), kept, `Secret ${kept.name}`, mode);
}

function select(
  contents: ReadonlyMap<string, Buffer>,
  { items, optional = false }: Kept,
  of: string,
  mode: number = defaultMode,
): VolumeFile[] {
  if (items === undefined) return [...contents].map(([path, content]) => ({ path, content, mode }));
  return items.flatMap((item) => {
    const content = contents.get(item.key);
    if (content !== undefined) return [{ path: item.path, content, mode: item.mode ?? mode }];
    if (optional) return [];
    throw new MissingError(`${of} has no key ${item.key}`);
  });
}

function downwardFiles(
  items: readonly DownwardItem[] = [],
  sources: Sources,
  mode: number = defaultMode,
): VolumeFile[] {
  const { initContainers = [], containers } = sources.pod.spec;
  return items.map(({ path, fieldRef, resourceFieldRef }) => {
    const named = (name?: string): Container | undefined =>
      [...initContainers, ...containers].find((container) => container.name === name);
    const container = named(resourceFieldRef?.containerName);
    const text =
      fieldRef !== undefined
        ? fieldOf(sources, fieldRef.fieldPath)
        : resourceFieldRef !== undefined && container !== undefined
          ? resourceOf(container, resourceFieldRef)
          : '';
    return { path, content: Buffer.from(text), mode };
  });
}

/**
 * Brings the files of a volume to the disk. One that has changed is replaced by a rename, so that nobody reads a half of it; one that is as
 * before is left alone, and one that is not in the volume any more goes.
 * @param group that may read them: the pod's fsGroup
 * @param before paths that were written last time
 */
export async function writeVolume(
  folder: string,
  files: readonly VolumeFile[],
  group: number | undefined,
  before: readonly string[] = [],
): Promise<string[]> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const { path, content, mode } of files) {
    const target = join(folder, path);
    const present = await readFile(target).catch(() => undefined);
    if (present?.equals(content)) continue;
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    const fresh = `${target}.new`;
    await writeFile(fresh, content, { mode });
    // What a group is given it can read.
    await chmod(fresh, group === undefined ? mode : mode | 0o040);
    if (group !== undefined) await chown(fresh, 0, group);
    await rename(fresh, target);
  }
  const paths = files.map(({ path }) => path);
  for (const gone of before.filter((path) => !paths.includes(path))) await rm(join(folder, gone), { force: true });
  return paths;
}

/** An empty volume: whoever runs in the pod may write there. */
export async function makeEmptyVolume(folder: string, group: number | undefined): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (group !== undefined) await chown(folder, 0, group);
  await chmod(folder, group === undefined ? 0o777 : 0o2777);
}
