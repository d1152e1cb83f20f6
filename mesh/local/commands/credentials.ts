import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { createPhases } from '../cli/terminal.ts';
import { rotateCredentials } from '../credentials/rotation.ts';
import { otherNames } from '../credentials/turns.ts';
import { services } from '../services.ts';
import { readSettings } from '../settings.ts';
import { keptVariables, withKept } from '../stack/kept-settings.ts';
import { planStack } from '../stack/plan.ts';
import { readLiveState, type StackState, withRunningSettings } from '../supervisor/state.ts';
import { rotate as rotateKeys } from './keys/rotate.ts';
import { requireOwnStack } from './own-stack.ts';

/** All who have secrets that are replaced. */
const all: readonly string[] = [...services.map(({ name }) => name), ...otherNames];

export const command: Command = {
  usage: `usage: ./oxo credentials rotate [--service NAME] [--now]

Gives the services other passwords of Postgres, Redis and NATS, and other secrets by which they get their own tokens; the operator another
secret, the rate limiter, who reads statistics, and the owner of the audit log other passwords, and auth other secrets that sign cookies, tags of API keys and what mails carry. A stack
that runs goes on: first both count, then process by process is started with the new ones, then the former ones are taken back and whoever
is still connected by them is cut off. With --replicas 2 or more no request is refused; with one of each, those of a service fail until its
process is ready again. Tokens that services got by a former secret are refused everywhere before it is said to be done, and the audit log has
an entry (not while the stack is down). When it is cut off, say it again, or ./oxo up: it is done from the beginning.

What a former secret has signed is not taken back by it and counts on until it has ended (cookies 30 days, tags 400, mails 7), ten former secrets of each at most.

The settings that the stack runs with are kept. Servers of your own (DATABASE_URL, REDIS_URL) get the new users too; on a NATS of your
own all services share what you gave. In a cluster Vault has the secrets: mesh/kubernetes/runbooks/rotate-keys.md. The administrators of the servers keep their passwords, by which nobody comes in but
from this machine.

  --service NAME  only of this one: ${all.join(', ')}
  --now           and refuses every token that was made before, as ./oxo keys rotate --force: people refresh theirs`,
  run,
};

/** What is said before it begins, of a stack that runs. */
export function noticeOf(running: Pick<StackState, 'replicas'> | undefined): string | undefined {
  if (running === undefined) return undefined;
  const takes = 'every process is started again, one after the other: this takes a minute or two';
  if (running.replicas > 1) return `${takes}, and no request is refused`;
  return `${takes}. There is one of each service, so its requests fail for seconds, until it is ready again; with ./oxo up --replicas 2 (after ./oxo down) none would`;
}

async function run(argv: readonly string[]): Promise<number> {
  const flags = { service: { type: 'string' }, now: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseFlags(argv, flags, 1);
  if (positionals[0] !== 'rotate') throw new CliError('say ./oxo credentials rotate', { exitCode: 2 });
  const names = values.service === undefined ? all : all.filter((name) => name === values.service);
  if (names.length === 0) {
    throw new CliError(`there is no service "${values.service}": it is one of ${all.join(', ')}`, { exitCode: 2 });
  }
  requireOwnStack(readSettings(process.env), process.env);
  const kept = keptVariables(readSettings(process.env).stateDir);
  const settings = readSettings(withKept(kept, process.env));
  const notice = noticeOf(readLiveState(settings.stateDir));
  if (notice !== undefined) console.log(notice);
  const replaced = await rotateCredentials(settings, names, createPhases());
  if (replaced.length > 0)
    console.log(
      `the secrets of ${replaced.join(', ')} are new; the former ones, and tokens that services got by them, count no more`,
    );
  const left = names.filter((name) => !replaced.includes(name));
  if (left.length > 0) {
    console.log(`left as they were: ${left.join(', ')}; an earlier change came first, or ten former ones count still`);
  }
  if (!values.now || readLiveState(readSettings(process.env).stateDir) === undefined) return 0;
  return await rotateKeys(planStack(withRunningSettings(readSettings(process.env))), true);
}
