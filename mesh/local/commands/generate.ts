import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';

export const command: Command = {
  usage: `usage: ./oxo generate [--check | --release]

Rebuilds gen/ from proto/: TypeScript, the descriptors for Envoy, openapi.yaml; and what the manifests of mesh/kubernetes and
mesh/istio have from the code: users and rights, limits, who may call what; dashboards and rules of mesh/observability.

  --check    change nothing; fail when a generated file is not what its sources give
  --release  record the present contracts as released: later changes must stay compatible with them`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, {
    check: { type: 'boolean', default: false },
    release: { type: 'boolean', default: false },
  });
  const { generate, recordRelease } = await import('../generate/generate.ts');
  const changed = await generate({ check: values.check });
  // After gen/, of which it is made.
  const { generateManifests } = await import('../../kubernetes/generate/generate.ts');
  changed.push(...(await generateManifests({ check: values.check })));
  if (values.check && changed.length > 0) {
    throw new CliError('generated files are not what their sources give', {
      advice: [...changed, 'run ./oxo generate'],
    });
  }
  for (const file of changed) console.log(`changed ${file}`);
  console.log(
    changed.length === 0 ? 'all generated files are up to date' : `${changed.length} files written: commit them`,
  );
  if (values.release) await recordRelease();
  return 0;
}
