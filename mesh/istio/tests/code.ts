/** Which RPCs the code of a process really calls: read from the clients that it makes and what is called on them. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { repositoryRoot } from '../../local/settings.ts';

/** By path from the root of the repository. */
export type Sources = ReadonlyMap<string, string>;

const KIT = 'mesh/kit/';

/** A file and all that it loads when it runs. Types are no wiring: what only they name is not there. */
export function loadedBy(main: string, read = readSource): Sources {
  const sources = new Map<string, string>();
  const waiting = [main];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (sources.has(path)) continue;
    const text = read(path);
    if (text === undefined) continue;
    sources.set(path, text);
    for (const [, from = ''] of text.matchAll(/^(?:import|export) (?!type )(?:[^;']*? from )?'([^']+)';/gms)) {
      if (from.startsWith('#kit/')) waiting.push(from.replace('#kit/', KIT));
      else if (from.startsWith('.')) waiting.push(normalize(join(dirname(path), from)));
    }
  }
  return sources;
}

function readSource(path: string): string | undefined {
  const file = join(repositoryRoot, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Every source of a folder that is not a test. */
export function sourcesOf(folder: string): Sources {
  const paths = globSync(`${folder}/**/*.ts`, { cwd: repositoryRoot });
  const own = paths.filter((path) => !/\.test\.ts$|\/testing\//.test(path));
  return new Map(own.map((path) => [path, readSource(path) ?? '']));
}

/** How a client is named in a file, by its contract: `users: RpcClient<UserInternalServiceDefinition>`, `const users = ….client(…)`. */
const NAMED = [
  /(\w+): (?:Pick<)?RpcClient<(\w+)Definition>/g,
  /const (\w+) = [^;]*?\.client\((\w+)Definition\)/g,
  /(\w+) = createClient\((\w+)Definition/g,
];

/** Contracts of which a process makes clients. */
export function contractsOf(sources: Sources): Set<string> {
  const texts = [...sources.values()];
  return new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/(?:\.client|createClient)\((\w+)Definition/g)].map(([, name = '']) => name),
    ),
  );
}

/** The RPCs that are called, as `<name of the contract>/<RPC>`; a client that a function gets has the name that its type says in the same file. */
export function callsIn(sources: Sources): Set<string> {
  const calls = new Set<string>();
  for (const [path, whole] of sources) {
    const text = path.startsWith(KIT) ? usedPartOf(path, whole, sources) : whole;
    for (const pattern of NAMED) {
      for (const [, name = '', contract = ''] of text.matchAll(pattern)) {
        for (const [, method = ''] of text.matchAll(new RegExp(`\\b${name}\\.(\\w+)\\(`, 'g'))) {
          calls.add(`${contract}/${method.charAt(0).toUpperCase()}${method.slice(1)}`);
        }
      }
    }
  }
  return calls;
}

/** A module of the kit without those of its functions that nobody else names: not each service uses all of it. */
function usedPartOf(path: string, text: string, sources: Sources): string {
  const parts = text.split(/^(?=export (?:async )?function )/m);
  const others = [...sources].filter(([other]) => other !== path).map(([, other]) => other);
  return parts
    .filter((part) => {
      const name = /^export (?:async )?function (\w+)/.exec(part)?.[1];
      return name === undefined || others.some((other) => new RegExp(`\\b${name}\\b`).test(other));
    })
    .join('');
}
