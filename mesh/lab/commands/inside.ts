import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../../local/cli/cli-error.ts';
import { repositoryRoot } from '../../local/settings.ts';
import type { Api } from '../api/client.ts';
import { openApi } from '../control-plane/kubernetes.ts';
import { type Lab, openLab } from '../folder.ts';

/** Names the namespace in which a command of ours runs already. */
const insideVariable = 'OXO_MESH_INSIDE';

/** Runs a command in the node's network namespace: itself once more, unless it is there. @returns the exit code */
export async function runInside(
  name: string,
  argv: readonly string[],
  work: (argv: readonly string[]) => Promise<number>,
): Promise<number> {
  const lab = openLab(process.env);
  const { node } = lab.names;
  if (process.env[insideVariable] === node) return work(argv);
  requireRunning(lab);
  const main = join(repositoryRoot, 'mesh/local/oxo.ts');
  const child = spawn('nsenter', [`--net=/run/netns/${node}`, '--', process.execPath, main, 'mesh', name, ...argv], {
    stdio: 'inherit',
    env: { ...process.env, [insideVariable]: node },
  });
  // Both get what the terminal sends; the one inside decides.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('error', () => resolve(1));
  });
}

/** @throws CliError when no lab runs here */
function requireRunning(lab: Lab): void {
  if (process.getuid?.() !== 0) throw new CliError('the lab needs root', { advice: ['sudo ./oxo mesh …'] });
  if (!existsSync(`/run/netns/${lab.names.node}`))
    throw new CliError('no lab is running', { advice: ['./oxo mesh up starts one'] });
}

/** The API of the lab that runs. To be called inside. @throws CliError when there is none */
export function requireApi(lab: Lab): Api {
  const api = openApi(lab);
  if (api === undefined) throw new CliError('no lab is running', { advice: ['./oxo mesh up starts one'] });
  return api;
}
