import { ClientError, createChannel, createClient, Metadata } from 'nice-grpc';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { operatorName } from '../secrets.ts';
import { readSettings } from '../settings.ts';
import { planStack, type StackPlan } from '../stack/plan.ts';
import { ofService } from '../stack/replicas.ts';
import { withRunningSettings } from '../supervisor/state.ts';

const timeoutMs = 10_000;

export const command: Command = {
  usage: `usage: ./oxo keys rotate [--force]

Lets the next signing key sign. The present one verifies until its last token has expired, and another next one is published.
No request fails: a key signs only when every cache of the public keys has it, half an hour after it was published.

  --force  the present key has leaked: the next one signs at once, and whatever was signed so far is refused everywhere.
           Everybody has to refresh. Done twice within a minute, new tokens may be refused for the rest of the minute.`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, { force: { type: 'boolean', default: false } }, 1);
  if (positionals[0] !== 'rotate') throw new CliError('say ./oxo keys rotate', { exitCode: 2 });
  const plan = planStack(withRunningSettings(readSettings(process.env)));
  const answer = await rotate(plan, values.force).catch((error: unknown) => {
    throw new CliError(
      `the keys can't be rotated: ${error instanceof ClientError ? error.details : messageOf(error)}`,
      {
        advice: ['./oxo status tells whether auth runs; ./oxo logs auth says more'],
        cause: error,
      },
    );
  });
  const readyAt = answer.nextReadyAt?.toISOString();
  if (!answer.rotated) {
    throw new CliError(`the next key is too new: not every cache has it before ${readyAt}`, {
      advice: ['Try again then, or say --force if the present key has leaked.'],
    });
  }
  console.log(`${answer.currentKid} signs from now on; the next key may follow at ${readyAt}`);
  if (answer.droppedKids.length > 0) console.log(`refused from now on: ${answer.droppedKids.join(', ')}`);
  if (answer.announced) return 0;
  throw new CliError('not every service has heard of it: NATS is away or slow', {
    advice: ['They hear of it when NATS is back. Do not repeat the command: it would drop the new key too.'],
  });
}

/** Asks auth as the operator, whose secret it knows beside those of the services. */
async function rotate(plan: StackPlan, force: boolean) {
  // Whichever replica answers.
  const channel = createChannel(`ipv4:${ofService('auth', plan.urls.grpc).join()}`);
  const auth = createClient(AuthInternalServiceDefinition, channel);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const credentials = { clientId: operatorName, clientSecret: plan.secrets.operator };
    const { accessToken } = await auth.issueServiceToken(credentials, { signal });
    const metadata = Metadata({ authorization: `Bearer ${accessToken}` });
    return await auth.rotateSigningKeys({ force }, { signal, metadata });
  } finally {
    channel.close();
  }
}
