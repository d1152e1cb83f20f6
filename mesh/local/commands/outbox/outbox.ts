import { CliError } from '../../cli/cli-error.ts';
import type { Command } from '../../cli/command.ts';
import { defaultRate, maxRate, replay } from './replay.ts';

export const command: Command = {
  usage: `usage: ./oxo outbox replay --since TIME [--until TIME] [--schema NAME] [--consumer NAME] [--rate N] [--dry-run]

Delivers events that were published since TIME to their consumers once more: after a bug in a consumer was mended, or when what
a consumer had made of them was lost. (What waits in an outbox is published by itself; a consumer that is new or was made
anew begins with the oldest event by itself; a single event that was given up is for ./oxo dead-letters replay.)

Each consumer gets them in the order in which they were published, beside the events of the present, which are not held up:
no more than ${defaultRate} a second, and no more when a consumer is behind. Nothing is done twice: consumers are idempotent, so a feed
holds a post once however often it is delivered. That also means that a consumer which remembers what it has handled
(an inbox) skips what it handled before. Interrupted, it says from where to go on; to repeat some is harmless.
The stream keeps events for 14 days, and the repeated ones beside them for as long.

  --since TIME     a time (2026-05-04T09:30, in UTC unless it says otherwise) or how long ago (90s, 30m, 6h, 3d)
  --until TIME     the same; without it until now
  --schema NAME    only events from this schema's outbox (auth, users, posts)
  --consumer NAME  only to this consumer (./oxo status names them)
  --rate N         events a second (${defaultRate}, up to ${maxRate})
  --dry-run        only say how many there are`,
  run: async (argv) => {
    const [action, ...rest] = argv;
    if (action !== 'replay') throw new CliError('say ./oxo outbox replay --since TIME', { exitCode: 2 });
    return replay(rest);
  },
};
