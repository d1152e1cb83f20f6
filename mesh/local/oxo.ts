/** The oxo command: finds the subcommand, runs it, and turns errors into words and an exit code. */
import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { CliError, describeError } from './cli/cli-error.ts';
import type { Command } from './cli/command.ts';
import { drained } from './cli/drained.ts';
import { printable } from './cli/printable.ts';
import { readCacheDir } from './settings.ts';

type Load = () => Promise<{ readonly command: Command }>;

/** Every subcommand; its file is read only when it is asked for. `help.txt` says what each is for. */
const commands: Readonly<Record<string, Load>> = {
  up: () => import('./commands/up/up.ts'),
  down: () => import('./commands/down.ts'),
  status: () => import('./commands/status/status.ts'),
  doctor: () => import('./commands/doctor.ts'),
  logs: () => import('./commands/logs.ts'),
  trace: () => import('./commands/trace/trace.ts'),
  migrate: () => import('./commands/migrate.ts'),
  backup: () => import('./commands/backup.ts'),
  restore: () => import('./commands/restore.ts'),
  generate: () => import('./commands/generate.ts'),
  demo: () => import('./commands/demo.ts'),
  test: () => import('./commands/test.ts'),
  bench: () => import('./commands/bench.ts'),
  chaos: () => import('./commands/chaos.ts'),
  gallery: () => import('./commands/gallery.ts'),
  admin: () => import('./commands/admin.ts'),
  keys: () => import('./commands/keys/keys.ts'),
  credentials: () => import('./commands/credentials.ts'),
  'dead-letters': () => import('./commands/dead-letters/dead-letters.ts'),
  mesh: () => import('../lab/commands/mesh.ts'),
  outbox: () => import('./commands/outbox/outbox.ts'),
};

// What a command loads is compiled once: half of the time until it does anything. Where it can't be kept, it is compiled each time.
enableCompileCache(join(readCacheDir(process.env), 'compiled'));
// Who reads our lines may go before the work is done (`| head`), which is no reason to leave it.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
const code = await main(process.argv.slice(2));
// A pipe takes 64 KiB at once; the rest is gone with the process.
await Promise.all([drained(process.stdout), drained(process.stderr)]);
// Then at once: a connection to a server that hangs may not be closable, and must not keep the command.
process.exit(code);

async function main(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    console.error(`oxo: ${printable(describeError(error)).replaceAll('\n', '\n     ')}`);
    return error instanceof CliError ? error.exitCode : 1;
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = argv;
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0]);
  const command = await find(name);
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(command.usage);
    return 0;
  }
  return command.run(rest);
}

async function help(name: string | undefined): Promise<number> {
  if (name !== undefined) {
    console.log((await find(name)).usage);
    return 0;
  }
  process.stdout.write(readFileSync(join(import.meta.dirname, 'help.txt'), 'utf8'));
  return 0;
}

async function find(name: string): Promise<Command> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    throw new CliError(`there is no command "${name}"`, { exitCode: 2, advice: ['./oxo help lists them'] });
  }
  return (await load()).command;
}
