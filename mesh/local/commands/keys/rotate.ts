import { CliError } from '../../cli/cli-error.ts';
import type { StackPlan } from '../../stack/plan.ts';
import { askAuth } from './operator.ts';

/** Lets the next signing key sign. @returns the exit code */
export async function rotate(plan: StackPlan, force: boolean): Promise<number> {
  const answer = await askAuth(plan, "the keys can't be rotated", (auth, options) =>
    auth.rotateSigningKeys({ force }, options),
  );
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
