import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { createPhases } from '../cli/terminal.ts';
import { rotateCredentials } from '../credentials/rotation.ts';
import { operatorName } from '../secrets.ts';
import { services } from '../services.ts';
import { readSettings } from '../settings.ts';
import { keptVariables, withKept } from '../stack/kept-settings.ts';

export const command: Command = {
  usage: `usage: ./oxo credentials rotate [--service NAME]

Gives the services other passwords of Postgres, Redis and NATS, and other secrets by which they get their own tokens; and the operator
another secret. A stack that runs goes on: first both count, then process by process is started with the new ones, then the former ones
are taken back and whoever is still connected by them is cut off. With --replicas 2 or more no request is refused; with one of each,
those of a service fail until its process is ready again. When it is cut off, say it again, or ./oxo up: it is done from the beginning.

The settings that the stack runs with are kept. Servers of your own (DATABASE_URL, REDIS_URL) get the new users too; on a NATS of your
own all services share what you gave. The administrators of the servers keep their passwords.

  --service NAME  only of this one: ${[...services.map(({ name }) => name), operatorName].join(', ')}`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, { service: { type: 'string' } }, 1);
  if (positionals[0] !== 'rotate') throw new CliError('say ./oxo credentials rotate', { exitCode: 2 });
  const all = [...services.map(({ name }) => name), operatorName];
  const names = values.service === undefined ? all : all.filter((name) => name === values.service);
  if (names.length === 0) {
    throw new CliError(`there is no service "${values.service}": it is one of ${all.join(', ')}`, { exitCode: 2 });
  }
  const kept = keptVariables(readSettings(process.env).stateDir);
  const replaced = await rotateCredentials(readSettings(withKept(kept, process.env)), names, createPhases());
  console.log(`the secrets of ${replaced.join(', ')} are new, and the former ones count no more`);
  const left = names.filter((name) => !replaced.includes(name));
  if (left.length > 0) console.log(`an earlier change was not done; for ${left.join(', ')} say it again`);
  return 0;
}
