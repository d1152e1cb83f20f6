import { CliError } from '../../cli/cli-error.ts';
import { type Command, parseFlags } from '../../cli/command.ts';
import { readSettings } from '../../settings.ts';
import { planStack } from '../../stack/plan.ts';
import { withRunningSettings } from '../../supervisor/state.ts';
import { requireOwnStack } from '../own-stack.ts';
import { rotate } from './rotate.ts';
import { rotateKeyEncryptionKey } from './rotate-kek.ts';

export const command: Command = {
  usage: `usage: ./oxo keys rotate [--force]
       ./oxo keys rotate-kek

rotate lets the next signing key sign. The present one verifies until its last token has expired, and another next one is published.
No request fails: a key signs only when every cache of the public keys has it, half an hour after it was published.

rotate-kek makes another key-encryption key, encrypts all private keys with it, and takes the former one away when nothing needs it
any more. Nobody notices. When it is cut off, say it again: it goes on where it was.

  --force  the present signing key has leaked: the next one signs at once, and whatever was signed so far is refused everywhere.
           Everybody has to refresh. Done twice within a minute, new tokens may be refused for the rest of the minute.`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, { force: { type: 'boolean', default: false } }, 1);
  const plan = () => planStack(withRunningSettings(readSettings(process.env)));
  if (positionals[0] === 'rotate') return rotate(plan(), values.force);
  if (positionals[0] === 'rotate-kek' && !values.force) {
    requireOwnStack(readSettings(process.env), process.env);
    return rotateKeyEncryptionKey(plan());
  }
  throw new CliError('say ./oxo keys rotate [--force] or ./oxo keys rotate-kek', { exitCode: 2 });
}
