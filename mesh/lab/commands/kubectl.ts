import { spawn } from 'node:child_process';
import { CliError } from '../../local/cli/cli-error.ts';
import { findBuilt } from '../../local/parts/built.ts';
import { kubeconfigPath } from '../control-plane/kubernetes.ts';
import { openLab } from '../folder.ts';
import { builtParts } from '../parts/parts.ts';

/** `./oxo mesh kubectl …`: as the lab's administrator. */
export async function kubectl(argv: readonly string[]): Promise<number> {
  const lab = openLab(process.env);
  const { program } = await findBuilt(lab.cacheDir, builtParts.kubectl);
  if (program === undefined) throw new CliError('kubectl is not built yet', { advice: ['./oxo mesh up builds it'] });
  const child = spawn(program, ['--kubeconfig', kubeconfigPath(lab), ...argv], { stdio: 'inherit' });
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('error', () => resolve(1));
  });
}
