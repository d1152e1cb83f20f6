/** What looks at manifests: built once, or not looked with. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { builtParts } from '../../lab/parts/parts.ts';
import { ensureBuilt, ensureGo, findBuilt } from '../../local/parts/built.ts';
import { readCacheDir, repositoryRoot } from '../../local/settings.ts';
import { ensureSchemas } from './schemas.ts';

const run = promisify(execFile);
/** It only fetches. */
const OLDEST_GO = '1.21';
const LIMITS = { timeout: 120_000, maxBuffer: 64 * 1024 * 1024 };

/** What an overlay (or any folder with a kustomization) comes to. @throws Error with the words of kustomize */
export async function kustomize(folder: string): Promise<string> {
  const program = await ensureBuilt(readCacheDir(process.env), builtParts.kustomize);
  const { stdout } = await run(program, ['build', resolve(repositoryRoot, folder)], LIMITS);
  return stdout;
}

export type Finding = { readonly kind: string; readonly name: string; readonly status: string; readonly msg: string };

/** What kubeconform has to say against the resources of a file; nothing when all are well. */
export async function conform(path: string): Promise<Finding[]> {
  const cacheDir = readCacheDir(process.env);
  const program = await ensureBuilt(cacheDir, builtParts.kubeconform);
  const schemas = await ensureSchemas(cacheDir, () => ensureGo(cacheDir, OLDEST_GO));
  const location = join(schemas, '{{.ResourceKind}}{{.KindSuffix}}.json');
  const args = ['-strict', '-output', 'json', '-schema-location', location, path];
  // It ends with 1 when it finds something.
  const { stdout } = await run(program, args, LIMITS).catch((error: { stdout: string }) => error);
  return (JSON.parse(stdout) as { resources: Finding[] }).resources ?? [];
}

/** Istio's own checks, where istioctl is in the cache: it takes minutes to build, so `./oxo mesh up` does that. */
export async function findIstioctl(): Promise<string | undefined> {
  return (await findBuilt(readCacheDir(process.env), builtParts.istioctl)).program;
}

/** What `istioctl analyze` and `validate` say against a file; nothing when all is well. */
export async function analyse(istioctl: string, path: string): Promise<string[]> {
  const said = await Promise.all(
    [
      run(istioctl, ['analyze', '--all-namespaces', '--use-kube=false', '--output', 'json', path], LIMITS),
      run(istioctl, ['validate', '--filename', path], LIMITS),
    ].map((one) => one.catch((error: { stdout: string; stderr: string }) => error)),
  );
  const [analysed, validated] = said;
  const messages = JSON.parse(analysed?.stdout || '[]') as { code: string; origin: string; message: string }[];
  const refused = `${validated?.stdout}${validated?.stderr}`.split('\n').filter((line) => /error|invalid/i.test(line));
  return [...messages.map(({ code, origin, message }) => `${code} ${origin}: ${message}`), ...refused];
}
