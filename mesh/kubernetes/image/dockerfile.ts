/** What a Dockerfile says, as far as ours goes, and which files of the repository its build is given. */

export type Step = { readonly instruction: string; readonly text: string };

export type Stage = { readonly name: string; readonly from: string; readonly steps: readonly Step[] };

/** The stages in their order. @throws Error at what this reader does not know */
export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; from: string; steps: Step[] }[] = [];
  const lines = text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim());
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue;
    const [instruction = '', ...words] = line.split(/\s+/);
    if (instruction === 'FROM') {
      const [from = '', as = '', name = ''] = words;
      if (as !== 'AS') throw new Error(`a stage without a name: ${line}`);
      stages.push({ name, from, steps: [] });
      continue;
    }
    if (!/^(WORKDIR|COPY|RUN|ARG|ENV|USER|ENTRYPOINT|CMD)$/.test(instruction))
      throw new Error(`not known here: ${line}`);
    stages.at(-1)?.steps.push({ instruction, text: words.join(' ') });
  }
  return stages;
}

/** Whether a build is given a file, by the patterns of .dockerignore: the last that fits decides. @param path from the root of the repository */
export function isGiven(path: string, patterns: readonly string[]): boolean {
  let given = true;
  for (const pattern of patterns) {
    const kept = pattern.startsWith('!');
    if (expressionOf(kept ? pattern.slice(1) : pattern).test(path)) given = kept;
  }
  return given;
}

/** Fits a path, and all below it. */
function expressionOf(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*\/|\*)/)
    .map((part) =>
      part === '**/' ? '(?:.*/)?' : part === '*' ? '[^/]*' : part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${source}(?:/.*)?$`);
}

/** The patterns of a .dockerignore. */
export function parseIgnored(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
