import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';

export const command: Command = {
  usage: `usage: ./oxo generate [--check | --release]

Rebuilds gen/ from proto/: TypeScript, the descriptors for Envoy, openapi.yaml; and what the manifests of mesh/kubernetes and
mesh/istio have from the code: users and rights, limits, who may call what; dashboards and rules of mesh/observability.

  --check    change nothing; fail when gen/ is not what proto/ gives
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
    throw new CliError('gen/ is not what proto/ gives', { advice: [...changed, 'run ./oxo generate'] });
  }
  for (const file of changed) console.log(`changed ${file}`);
  console.log('gen/ is up to date');
  if (values.release) await recordRelease();
  return 0;
}
