import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../../local/cli/cli-error.ts';
import { parseFlags } from '../../local/cli/command.ts';
import { closingLine, describeOutcome, type Outcome } from '../../local/tests/outcome.ts';
import { type Limits, runFile } from '../../local/tests/run-file.ts';

const folder = join(import.meta.dirname, '../test');
const maxFilters = 20;
/** The longest case takes three minutes on a machine of two processors. */
const limits: Limits = { testMs: 8 * 60_000, fileMs: 12 * 60_000 };

/**
 * `./oxo mesh test`: one case after the other, since they change what runs. Its last line is that of `./oxo test`.
 * @returns the exit code
 */
export async function test(argv: readonly string[]): Promise<number> {
  const { positionals, values } = parseFlags(argv, { retry: { type: 'boolean', default: false } }, maxFilters);
  const all = readdirSync(folder)
    .filter((name) => name.endsWith('.case.ts'))
    .sort();
  const wanted = all.filter((name) => positionals.length === 0 || positionals.some((text) => name.includes(text)));
  if (wanted.length === 0) throw new CliError(`no case is called so; there are ${all.join(', ')}`, { exitCode: 2 });
  const startedAtMs = performance.now();
  const outcomes: Outcome[] = [];
  for (const name of wanted) {
    let outcome = await runCase(name);
    if (outcome.failures.length > 0 && values.retry) {
      console.log('      tried once more');
      outcome = await runCase(name);
    }
    outcomes.push(outcome);
  }
  const failed = outcomes.filter(({ failures }) => failures.length > 0);
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(0);
  console.log(`\n${wanted.length - failed.length} of ${wanted.length} cases pass (${seconds} s)`);
  if (failed.length > 0) console.error('oxo: ./oxo mesh status and ./oxo mesh logs POD tell what is wrong');
  console.log(closingLine(outcomes));
  return failed.length === 0 ? 0 : 1;
}

async function runCase(name: string): Promise<Outcome> {
  const outcome = await runFile({ path: join(folder, name), isOnCluster: false }, limits);
  console.log(describeOutcome(outcome));
  for (const note of outcome.notes) console.log(`      ${note}`);
  return outcome;
}
