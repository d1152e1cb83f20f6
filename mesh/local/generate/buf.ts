import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { CliError } from '../cli/cli-error.ts';
import { repositoryRoot } from '../settings.ts';

const TIMEOUT_MS = 120_000;

/**
 * Runs the buf of this repository; it needs no network.
 * @param root folder with buf.yaml
 * @param failure what it means when buf refuses
 * @throws CliError with what buf said
 */
export async function runBuf(root: string, args: readonly string[], failure: string): Promise<void> {
  const program = join(repositoryRoot, 'node_modules/.bin/buf');
  // buf's plugins are Node scripts: they shall run by this Node.
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, PATH: path, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (exitCode === 0) return;
  throw new CliError(failure, { advice: output.trim().split('\n') });
}
