import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CliError } from '../../local/cli/cli-error.ts';
import { parseFlags } from '../../local/cli/command.ts';
import { type Lab, openLab } from '../folder.ts';

const maxPositionals = 2;
const lines = '200';

/** `./oxo mesh logs POD [container] [-f]`: of the pods, and of what runs them. */
export async function logs(argv: readonly string[]): Promise<number> {
  const options = { follow: { type: 'boolean', short: 'f', default: false } } as const;
  const { values, positionals } = parseFlags(argv, options, maxPositionals);
  const [name, container] = positionals;
  const lab = openLab(process.env);
  const found = name === undefined ? [] : filesOf(lab, name, container);
  if (found.length === 0) {
    throw new CliError(
      name === undefined ? 'say of which pod' : `there are no logs of ${[name, container].join(' ').trim()}`,
      {
        exitCode: name === undefined ? 2 : 1,
        advice: [`there are: ${[...podFolders(lab).keys(), ...own(lab).keys()].sort().join(', ') || 'none'}`],
      },
    );
  }
  const child = spawn('tail', [...(values.follow ? ['-f'] : []), '-n', lines, ...found], { stdio: 'inherit' });
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('error', () => resolve(1));
  });
}

/** Logs of all containers of the pods whose names begin so, or of one of them; or of a process of the lab itself. */
function filesOf(lab: Lab, name: string, container: string | undefined): string[] {
  const ofLab = own(lab).get(name);
  if (ofLab !== undefined) return [ofLab];
  const pods = podFolders(lab);
  const exact = pods.get(name);
  const folders =
    exact !== undefined ? [exact] : [...pods].filter(([pod]) => pod.startsWith(name)).map(([, path]) => path);
  return folders.flatMap((folder) => {
    const logDir = join(folder, 'logs');
    const all = existsSync(logDir) ? readdirSync(logDir) : [];
    return all
      .filter((file) => container === undefined || file === `${container}.log`)
      .sort()
      .map((file) => join(logDir, file));
  });
}

/** By the name of the pod, without its namespace. */
function podFolders({ podsDir }: Lab): Map<string, string> {
  const names = existsSync(podsDir) ? readdirSync(podsDir) : [];
  return new Map(names.map((name) => [name.slice(name.indexOf('.') + 1), join(podsDir, name)]));
}

/** Of istiod, the API server, the servers outside the mesh and the others, by their names. */
function own({ logDir, serversDir }: Lab): Map<string, string> {
  const files = [join(serversDir, 'logs'), logDir].flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : [],
  );
  const logFiles = files.filter((path) => path.endsWith('.log'));
  return new Map(logFiles.map((path) => [basename(path, '.log'), path]));
}
