/** The oxo command: finds the subcommand, runs it, and turns errors into words and an exit code. */
import { CliError, describeError } from './cli/cli-error.ts';
import type { Command } from './cli/command.ts';

type Entry = { readonly summary: string; readonly load: () => Promise<{ readonly command: Command }> };

/** Every subcommand; its file is read only when it is asked for. */
const commands: Readonly<Record<string, Entry>> = {
  up: { summary: 'start everything, and wait until it is ready', load: () => import('./commands/up/up.ts') },
  down: { summary: 'stop everything; data stays', load: () => import('./commands/down.ts') },
  status: { summary: 'what runs, and how far behind it is', load: () => import('./commands/status.ts') },
  doctor: { summary: 'what is wrong, and the next step', load: () => import('./commands/doctor.ts') },
  logs: { summary: 'what the processes say', load: () => import('./commands/logs.ts') },
  migrate: { summary: 'bring schemas and streams up to date', load: () => import('./commands/migrate.ts') },
  backup: { summary: 'save tables, events and secrets', load: () => import('./commands/backup.ts') },
  restore: { summary: 'fill an empty stack with a backup', load: () => import('./commands/restore.ts') },
  generate: { summary: 'rebuild gen/ from proto/', load: () => import('./commands/generate.ts') },
  demo: {
    summary: 'a small society through the front door, every feed checked',
    load: () => import('./commands/demo.ts'),
  },
  test: { summary: 'all checks and all tests', load: () => import('./commands/test.ts') },
  bench: { summary: 'measure the main paths', load: () => import('./commands/bench.ts') },
  chaos: {
    summary: 'kill every process while people write, and compare all that was acknowledged',
    load: () => import('./commands/chaos.ts'),
  },
  admin: { summary: 'who may administer', load: () => import('./commands/admin.ts') },
  keys: {
    summary: 'rotate the keys that sign tokens, and the key that encrypts them',
    load: () => import('./commands/keys/keys.ts'),
  },
  credentials: { summary: 'replace the secrets of the services', load: () => import('./commands/credentials.ts') },
  'dead-letters': {
    summary: 'events that a consumer gave up',
    load: () => import('./commands/dead-letters/dead-letters.ts'),
  },
  outbox: { summary: 'deliver events of the past again', load: () => import('./commands/outbox/outbox.ts') },
};

// Who reads our lines may go before the work is done (`| head`), which is no reason to leave it.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
// At once: a connection to a server that hangs may not be closable, and must not keep the command.
process.exit(await main(process.argv.slice(2)));

async function main(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    console.error(`oxo: ${describeError(error).replaceAll('\n', '\n     ')}`);
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
  const width = Math.max(...Object.keys(commands).map((key) => key.length));
  console.log('The backend of a social network on one machine.\n\nusage: ./oxo <command> [flags]\n');
  for (const [key, { summary }] of Object.entries(commands)) console.log(`  ${key.padEnd(width)}  ${summary}`);
  console.log('\n./oxo <command> --help tells more. Settings are environment variables: ./oxo up --help lists them.');
  return 0;
}

async function find(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) {
    throw new CliError(`there is no command "${name}"`, { exitCode: 2, advice: ['./oxo help lists them'] });
  }
  return (await entry.load()).command;
}
