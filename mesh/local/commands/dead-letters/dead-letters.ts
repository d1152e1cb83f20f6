import { CliError } from '../../cli/cli-error.ts';
import type { Command } from '../../cli/command.ts';
import { drop } from './drop.ts';
import { defaultLimit, list, maxLimit } from './list.ts';
import { replay } from './replay.ts';
import { show } from './show.ts';

const actions: Readonly<Record<string, Command['run']>> = { list, show, replay, drop };

export const command: Command = {
  usage: `usage: ./oxo dead-letters list [--consumer NAME] [-n COUNT] [--json]
       ./oxo dead-letters show ID [--json]
       ./oxo dead-letters replay ID... | --all [--consumer NAME]
       ./oxo dead-letters drop ID... | --all [--consumer NAME] [--yes]

The events that ran out of deliveries or were refused by their consumer. They stay 30 days, their contents 14.

  list    newest first, each with its reason, but not with what people wrote
  show    one with its headers and its decoded payload
  replay  delivers the event again to the consumer that gave it up, and to no other, oldest first; the letter goes when the
          event is stored. A consumer that had handled it after all does nothing. What fails again becomes a new letter.
  drop    forgets letters; whatever their events should have done stays undone

  --consumer NAME  only what this one gave up
  -n COUNT         at most this many (${defaultLimit}, up to ${maxLimit})
  --yes            do not ask
  --json           the same for programs`,
  run: (argv) => {
    const [name = '', ...rest] = argv;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action !== undefined) return action(rest);
    throw new CliError('say what to do: ./oxo dead-letters list, show, replay or drop', { exitCode: 2 });
  },
};
