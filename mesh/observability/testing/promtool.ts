/** promtool, for tests: the machine's, or Debian's out of the cache. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type AptPart, ensureAptPart } from '../../local/parts/apt.ts';
import { readCacheDir } from '../../local/settings.ts';

const run = promisify(execFile);
const timeoutMs = 120_000;
const prometheus: AptPart = {
  name: 'prometheus',
  program: 'usr/bin/prometheus',
  version: /^prometheus, version 2\.\d+/,
};

export type Said = { readonly ok: boolean; readonly text: string };

/** What it says. @throws CliError when it can't be had */
export async function promtool(...args: readonly string[]): Promise<Said> {
  const { program, env } = await ensureAptPart(readCacheDir(process.env), prometheus);
  const options = { env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024 };
  return run(join(dirname(program), 'promtool'), [...args], options).then(
    ({ stdout, stderr }) => ({ ok: true, text: `${stdout}${stderr}` }),
    ({ stdout = '', stderr = '', message }: { stdout?: string; stderr?: string; message: string }) => ({
      ok: false,
      text: `${stdout}${stderr}` || message,
    }),
  );
}
