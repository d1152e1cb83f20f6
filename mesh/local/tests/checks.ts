import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateManifests } from '../../kubernetes/generate/generate.ts';
import { CliError, describeError, messageOf } from '../cli/cli-error.ts';
import { generate } from '../generate/generate.ts';
import { repositoryRoot } from '../settings.ts';
import type { Outcome } from './outcome.ts';

const run = promisify(execFile);
const timeoutMs = 5 * 60_000;

type Check = { readonly name: string; readonly run: () => Promise<void> };

/** What must hold of the sources themselves; each counts as a test. */
export const checks: readonly Check[] = [
  { name: 'format, lint and walls (biome)', run: () => tool('biome', ['ci', '--colors=off', '.']) },
  { name: 'types (tsc)', run: () => tool('tsc', ['--noEmit', '--pretty', 'false']) },
  { name: 'contracts and generated code (buf)', run: requireGenerated },
];

export async function runCheck(check: Check): Promise<Outcome> {
  const startedAtMs = performance.now();
  const failure = await check.run().then(
    () => undefined,
    (error: unknown) => ({ name: check.name, message: describeError(error) }),
  );
  return {
    name: check.name,
    passed: failure === undefined ? 1 : 0,
    failures: failure === undefined ? [] : [failure],
    skipped: [],
    notes: [],
    ms: performance.now() - startedAtMs,
    output: '',
  };
}

async function tool(name: string, args: readonly string[]): Promise<void> {
  const program = join(repositoryRoot, 'node_modules/.bin', name);
  try {
    await run(program, args, { cwd: repositoryRoot, timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new CliError(`${stdout}${stderr}`.trim() || messageOf(error), { cause: error });
  }
}

async function requireGenerated(): Promise<void> {
  const changed = [...(await generate({ check: true })), ...(await generateManifests({ check: true }))];
  if (changed.length > 0)
    throw new CliError('generated files are not what their sources give: ./oxo generate', { advice: changed });
}
