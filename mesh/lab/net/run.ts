import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CliError, messageOf } from '../../local/cli/cli-error.ts';

const run = promisify(execFile);
const timeoutMs = 60_000;
const maxOutputBytes = 64 * 1024 * 1024;

/**
 * Runs a program to its end.
 * @param input for its standard input
 * @returns what it printed
 * @throws CliError with the end of what it said about its failure
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly input?: string;
    readonly timeoutMs?: number;
  } = {},
): Promise<string> {
  try {
    const running = run(command, [...args], {
      env: { ...process.env, ...options.env },
      timeout: options.timeoutMs ?? timeoutMs,
      maxBuffer: maxOutputBytes,
    });
    running.child.stdin?.on('error', () => {});
    running.child.stdin?.end(options.input ?? '');
    return (await running).stdout;
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
    const said = (stderr || stdout).trim().split('\n').slice(-6).join('\n');
    throw new CliError(`${command} ${args.slice(0, 4).join(' ')}: ${said || messageOf(error)}`, { cause: error });
  }
}

/** The `ip` command. */
export function ip(...args: string[]): Promise<string> {
  return runProgram('ip', args);
}
