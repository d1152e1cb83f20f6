/** What runbooks tell people to type and to read, and whether it is there. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../local/settings.ts';
import { indexOf, readResources } from './manifests.ts';

const run = promisify(execFile);

/** Folders with runbooks, from the root: of the cluster, and of alerts. */
export const runbookFolders = ['mesh/kubernetes/runbooks', 'mesh/observability/runbooks'];

/** The texts of a folder. */
export function readRunbooks(folder: string): string[] {
  return readdirSync(join(repositoryRoot, folder)).map((name) =>
    readFileSync(join(repositoryRoot, folder, name), 'utf8'),
  );
}

/** Lines of commands, those that go on joined. */
export function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  const inline = [...text.matchAll(/`((?:\.\/)?oxo [^`]+|kubectl [^`]+)`/g)].map(([, command = '']) => command);
  return [...blocks.flatMap((block) => block.replaceAll(/\\\n/g, ' ').split('\n')), ...inline].map((line) =>
    line.trim(),
  );
}

/** Made by a runbook itself. */
const madeFiles = new Set(['all.yaml']);

/**
 * Files and folders that a text names and that are not there: paths from the root, and files beside it or in mesh/kubernetes.
 * @param folder where the text lies, from the root
 */
export function missingPaths(text: string, folder: string): string[] {
  const plain = text
    .replaceAll(/\[[^\]]*\]\(([^)#]+)[^)]*\)/g, (_link, target: string) => ` ${join(folder, target)} `)
    .replaceAll('$O/', 'mesh/kubernetes/overlays/prod/')
    .replaceAll(/\b[a-z]+:\/\/\S+/g, '');
  const paths = [...plain.matchAll(/(?<![\w./-])(?:[\w.-]+\/)*[\w.-]+\.(?:ts|sh|md|ya?ml|env|conf)\b(?!\/)/g)].map(
    ([path]) => path,
  );
  const folders = [...plain.matchAll(/(?<![\w./-])(?:mesh|services|gateway|proto)(?:\/[\w-]+)+(?![\w/.<-])/g)].map(
    ([path]) => path,
  );
  const places = ['', 'mesh/kubernetes', folder].map((place) => join(repositoryRoot, place));
  return [...new Set([...paths, ...folders])].filter(
    (path) => !madeFiles.has(path) && !places.some((place) => existsSync(join(place, path))),
  );
}

type Typed = { readonly whole: string; readonly command: string; readonly rest: string };

/** Commands of ours in a line. */
export function ownCommandsIn(line: string): Typed[] {
  const found = line.matchAll(/(?:^|[;&(] ?|-- node mesh\/local\/)(?:\.\/)?oxo(?:\.ts)? ([a-z-]+)([^;|&]*)/g);
  return [...found].map(([whole, command = '', rest = '']) => ({ whole, command, rest: rest.replace(/#.*/, '') }));
}

/** What a command says of itself. */
export async function usageOf(command: string): Promise<string> {
  const args = ['mesh/local/oxo.ts', command, '--help'];
  return (await run(process.execPath, args, { cwd: repositoryRoot })).stdout;
}

/** Of what was typed, what the command does not know: an action or an option. */
export function unknownTo(usage: string, { rest }: Typed): string[] {
  const [action] = rest.trim().split(/\s+/);
  const options = [...rest.matchAll(/(?<=\s)--?[a-z][a-z-]*/g)].map(([option]) => option);
  // Names of processes are those of a stack.
  const actions = action && /^[a-z]/.test(action) && !usage.includes('oxo logs') ? [action] : [];
  return [...actions, ...options].filter((one) => !usage.includes(one));
}

/** kind/name of everything that is in the base, and what operators make of it. */
export function knownResources(): Set<string> {
  const folders = ['', 'infra/'];
  const resources = folders.flatMap((folder) =>
    indexOf(join(repositoryRoot, 'mesh/kubernetes/base', folder)).named.flatMap((name) =>
      readResources(`${folder}${name}`),
    ),
  );
  const policies = indexOf(join(repositoryRoot, 'mesh/istio')).named.flatMap((name) =>
    readResources(`../../istio/${name}`),
  );
  return new Set([...resources, ...policies].map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`));
}

const KINDS =
  'deployment|statefulset|job|scaledobject|externalsecret|requestauthentication|cluster|rediscluster|podmonitor|configmap';
const ASKED = new RegExp(`\\b(${KINDS})[/ ]([a-z][a-z -]*?)(?= -|=|$| &|;| \\[|\\)|  +#| [a-z.-]+[=/])`, 'g');

/** kind/name of what a line asks kubectl for. */
export function askedOf(line: string): string[] {
  return [...line.matchAll(ASKED)].flatMap(([, kind = '', names = '']) =>
    names
      .trim()
      .split(' ')
      .map((name) => `${kind}/${name}`),
  );
}
