import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { createPhases } from '../cli/terminal.ts';
import { readSettings, type Settings } from '../settings.ts';
import { planStack } from '../stack/plan.ts';
import { migrate } from '../stack/services.ts';
import { bringUpToDate } from '../stack/upgrade.ts';
import { readLiveState, withRunningSettings } from '../supervisor/state.ts';

export const command: Command = {
  usage: `usage: ./oxo migrate [SERVICE] [--down]

Brings roles, users, schemas, tables and streams up to date on the servers that run, whatever version of the services
runs on them. up does it as well.

  SERVICE  only the tables of this one
  --down   takes the newest migration of SERVICE back`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, { down: { type: 'boolean', default: false } }, 1);
  const settings = withRunningSettings(readSettings(process.env));
  requireServers(settings);
  const plan = planStack(settings);
  const [name] = positionals;
  const withTables = plan.services.filter((service) => service.migrate !== undefined);
  const chosen = withTables.filter((service) => name === undefined || service.name === name);
  if (chosen.length === 0) throw new CliError(`there is no service "${name}" with tables`, { exitCode: 2 });
  if (values.down && name === undefined) throw new CliError('--down needs the name of a service', { exitCode: 2 });
  const progress = createPhases();
  if (!values.down) {
    await bringUpToDate(plan, chosen, progress);
    return 0;
  }
  for (const service of chosen) {
    await progress.step(`migrations of ${service.name}`, async () => {
      await migrate(plan, service, 'down');
      return 'one taken back';
    });
  }
  return 0;
}

function requireServers(settings: Settings): void {
  const { databaseUrl, redisUrl, natsUrl } = settings.own;
  const allOwn = databaseUrl !== undefined && redisUrl !== undefined && natsUrl !== undefined;
  if (allOwn || readLiveState(settings.stateDir) !== undefined) return;
  throw new CliError('the servers are down', { advice: ['./oxo up --servers starts them'] });
}
