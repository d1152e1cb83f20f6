import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CliError } from '../cli/cli-error.ts';
import { checkContracts } from '../openapi/check-contracts.ts';
import { checkReasons } from '../openapi/check-reasons.ts';
import { readContracts } from '../openapi/contracts.ts';
import { renderOpenApi } from '../openapi/document.ts';
import { missingExamples } from '../openapi/examples.ts';
import { migrationOrder, services } from '../services.ts';
import { repositoryRoot } from '../settings.ts';
import { runBuf } from './buf.ts';

const RELEASED = 'proto/released.binpb';
const RELEASED_MIGRATIONS = 'mesh/local/guards/released/migrations.json';
// What stands in gen/, and all of it: what is there besides is stale.
const GENERATED = 'gen';

export interface GenerateOptions {
  /** Writes nothing, and only tells what differs. */
  check?: boolean;
  /** The folder that holds proto/ and gen/; the repository when absent. */
  root?: string;
}

/**
 * Rebuilds gen/ from proto/: TypeScript, Envoy's descriptors and the OpenAPI description. The contracts are linted, kept
 * compatible with the last release and must declare their access first.
 * @returns the files in gen/ that were, or with `check` would be, written or deleted; empty when all is up to date
 * @throws CliError that shows what is wrong with the contracts
 */
export async function generate({ check = false, root = repositoryRoot }: GenerateOptions = {}): Promise<string[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'oxo-generate-'));
  try {
    await checkProto(root, check);
    await writeDescriptors(root, scratch);
    await runBuf(root, ['generate', '--output', scratch], 'the contracts do not compile');
    return await update(join(scratch, GENERATED), join(root, GENERATED), check);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Makes the present migrations the released ones, and the present contracts the ones that later changes must stay compatible with. Part of a release. */
export async function recordRelease(root = repositoryRoot): Promise<void> {
  const args = ['build', 'proto', '--exclude-source-info', '--output', RELEASED];
  await runBuf(root, args, 'the contracts do not compile');
  const migrations: [service: string, names: string[]][] = [];
  for (const { name, migrate } of services) {
    if (migrate !== undefined) migrations.push([name, await migrationOrder(name)]);
  }
  await writeFile(join(root, RELEASED_MIGRATIONS), `${JSON.stringify(Object.fromEntries(migrations), null, 2)}\n`);
}

async function checkProto(root: string, check: boolean): Promise<void> {
  await runBuf(root, ['lint', 'proto'], 'buf lint refuses the contracts');
  const format = check ? ['--diff', '--exit-code'] : ['--write'];
  await runBuf(root, ['format', 'proto', ...format], 'the contracts are not formatted: run ./oxo generate');
  await runBuf(root, ['breaking', 'proto', '--against', RELEASED], 'the contracts break clients of the last release');
}

async function writeDescriptors(root: string, scratch: string): Promise<void> {
  const commented = join(scratch, 'commented.binpb');
  const plain = join(scratch, GENERATED, 'envoy/oxo.binpb');
  const args = ['build', '--as-file-descriptor-set', '--output'];
  await mkdir(dirname(plain), { recursive: true });
  await runBuf(root, [...args, commented], 'the contracts do not compile');
  // Envoy needs no comments: so a change of one does not change what it reads.
  await runBuf(root, [...args, plain, '--exclude-source-info'], 'the contracts do not compile');

  const registry = readContracts(await readFile(commented));
  const problems = [...checkContracts(registry), ...missingExamples(registry), ...checkReasons(registry)];
  if (problems.length > 0) throw new CliError('the contracts are not complete', { advice: problems });
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  await writeFile(join(scratch, GENERATED, 'openapi.yaml'), renderOpenApi(registry, manifest.version));
}

/** Makes one folder like another, touching only files that differ. */
async function update(source: string, target: string, check: boolean): Promise<string[]> {
  const [wanted, present] = await Promise.all([filesIn(source), filesIn(target)]);
  const changed: string[] = [];
  for (const path of [...new Set([...wanted, ...present])].sort()) {
    const bytes = wanted.includes(path) ? await readFile(join(source, path)) : undefined;
    const old = present.includes(path) ? await readFile(join(target, path)) : undefined;
    if (bytes !== undefined && old?.equals(bytes)) continue;
    changed.push(join(GENERATED, path));
    if (check) continue;
    if (bytes === undefined) {
      await rm(join(target, path));
    } else {
      await mkdir(dirname(join(target, path)), { recursive: true });
      await writeFile(join(target, path), bytes);
    }
  }
  return changed;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
