import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { printableLog } from '../cli/printable.ts';
import { readSettings } from '../settings.ts';
import { lastLines } from '../supervisor/log-file.ts';

const pollMs = 200;
const maxReadBytes = 1024 * 1024;
const maxLines = 10_000;

export const command: Command = {
  usage: `usage: ./oxo logs [SERVICE] [-f] [-n LINES]

Shows the end of the logs: of all, or of one service, server, supervisor or migrate-<service>.

  -f, --follow  go on as they grow
  -n LINES      begin with this many of each (20; 200 when SERVICE is named), also from before the log last began anew; at most ${maxLines}`,
  run,
};

type Log = { readonly name: string; readonly path: string; readBytes: number };

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(
    argv,
    { follow: { type: 'boolean', short: 'f', default: false }, lines: { type: 'string', short: 'n' } },
    1,
  );
  const [wanted] = positionals;
  const count = readCount(values.lines ?? (wanted === undefined ? '20' : '200'));
  const logs = findLogs(join(readSettings(process.env).stateDir, 'logs'), wanted);
  const print = printer(wanted === undefined ? Math.max(...logs.map((log) => log.name.length)) : undefined);
  for (const log of logs) {
    log.readBytes = statSync(log.path).size;
    for (const line of lastLines(log.path, count)) print(log, line);
  }
  while (values.follow && !process.stdout.destroyed) {
    await delay(pollMs);
    for (const log of logs) for (const line of grown(log)) print(log, line);
  }
  return 0;
}

function readCount(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= maxLines) return Number(text);
  throw new CliError(`-n must be a number from 0 to ${maxLines}, not "${text}"`, { exitCode: 2 });
}

function findLogs(folder: string, wanted: string | undefined): Log[] {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.log')) : [];
  const names = files.map((file) => file.slice(0, -'.log'.length)).sort();
  if (names.length === 0) throw new CliError('there are no logs yet', { advice: ['./oxo up starts everything'] });
  if (wanted !== undefined && !names.includes(wanted)) {
    throw new CliError(`there is no log "${wanted}"`, { exitCode: 2, advice: [`There are: ${names.join(', ')}`] });
  }
  const chosen = wanted === undefined ? names : [wanted];
  return chosen.map((name) => ({ name, path: join(folder, `${name}.log`), readBytes: 0 }));
}

function printer(nameWidth: number | undefined): (log: Log, line: string) => void {
  if (nameWidth === undefined) return (_, line) => console.log(printableLog(line));
  return (log, line) => console.log(`${log.name.padEnd(nameWidth)}  ${printableLog(line)}`);
}

/** Whole lines that were added since the last look. A file that became shorter was emptied by its rotation. */
function grown(log: Log): string[] {
  const descriptor = openSync(log.path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size < log.readBytes) log.readBytes = 0;
    const buffer = Buffer.alloc(Math.min(size - log.readBytes, maxReadBytes));
    const length = readSync(descriptor, buffer, 0, buffer.length, log.readBytes);
    // The end of a line that is still being written is left for the next look.
    const end = length === maxReadBytes ? length : buffer.subarray(0, length).lastIndexOf('\n') + 1;
    log.readBytes += end;
    return end === 0 ? [] : buffer.subarray(0, end).toString('utf8').trimEnd().split('\n');
  } finally {
    closeSync(descriptor);
  }
}
