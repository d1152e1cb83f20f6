import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../../local/cli/cli-error.ts';
import { parseFlags } from '../../local/cli/command.ts';
import { repositoryRoot } from '../../local/settings.ts';

const folder = join(import.meta.dirname, '../test');
const maxFilters = 20;
/** The longest takes three minutes on a machine of two processors. */
const caseTimeoutMs = 10 * 60_000;

/** `./oxo mesh test`: one case after the other, since they change what runs. @returns the exit code of the first that fails */
export async function test(argv: readonly string[]): Promise<number> {
  const { positionals } = parseFlags(argv, {}, maxFilters);
  const all = readdirSync(folder)
    .filter((name) => name.endsWith('.case.ts'))
    .sort();
  const wanted = all.filter((name) => positionals.length === 0 || positionals.some((text) => name.includes(text)));
  if (wanted.length === 0) throw new CliError(`no case is called so; there are ${all.join(', ')}`, { exitCode: 2 });
  const startedAtMs = performance.now();
  const failed: string[] = [];
  for (const [index, name] of wanted.entries()) {
    console.log(`\n${index + 1} of ${wanted.length}: ${name.replace('.case.ts', '')}`);
    if (!(await runCase(join(folder, name)))) failed.push(name);
  }
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  console.log(`\n${wanted.length - failed.length} of ${wanted.length} cases pass (${seconds} s)`);
  if (failed.length > 0) console.error(`oxo: failed: ${failed.join(', ')}. ./oxo mesh status tells what is wrong`);
  return failed.length === 0 ? 0 : 1;
}

function runCase(path: string): Promise<boolean> {
  const args = ['--test', '--test-reporter=spec', '--test-concurrency=1', `--test-timeout=${caseTimeoutMs}`, path];
  const options = { cwd: repositoryRoot, stdio: 'inherit', timeout: caseTimeoutMs + 30_000 } as const;
  const child = spawn(process.execPath, args, options);
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code === 0));
    child.once('error', () => resolve(false));
  });
}
