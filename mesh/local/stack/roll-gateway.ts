import { envoyStandIn } from '../servers/envoy.ts';
import type { ProcessGroup } from '../supervisor/group.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { tiers } from './stack.ts';

/** What it takes to replace the front door. */
export type GatewayRoll = {
  readonly group: Pick<ProcessGroup, 'start' | 'leave'> & {
    readonly get: (name: string) => Pick<NonNullable<ReturnType<ProcessGroup['get']>>, 'snapshot'> | undefined;
  };
  /** Writes its configuration, and tells how it is run. @param standIn the second one */
  readonly specOf: (standIn: boolean) => ProcessSpec;
  /** Lets it end its connections. */
  readonly drain: (standIn: boolean) => Promise<void>;
};

/**
 * Two may listen on one port, so a second one serves while the first is replaced. Goes on from wherever an earlier roll was left.
 * @throws CliError when one does not get ready; then either the old one serves alone, or the second one does
 */
export async function replaceGateway(roll: GatewayRoll): Promise<void> {
  const { group, specOf } = roll;
  const serves = (name: string): boolean => group.get(name)?.snapshot().state === 'ready';
  // A second one beside the first is of who knows which roll; alone, it is all that people have.
  if (serves('envoy') || !serves(envoyStandIn)) {
    await retire(roll, true);
    await group.start(specOf(true), tiers.gateway).catch(async (error) => {
      // It would be tried again for ever, and serve beside the old one by other rules once it got ready.
      await group.leave(envoyStandIn);
      throw error;
    });
  }
  await retire(roll, false);
  await group.start(specOf(false), tiers.gateway);
  await retire(roll, true);
}

async function retire({ group, drain }: GatewayRoll, standIn: boolean): Promise<void> {
  const name = standIn ? envoyStandIn : 'envoy';
  if (group.get(name) === undefined) return;
  // Who can't be asked serves nobody.
  await drain(standIn).catch(() => undefined);
  await group.leave(name);
}
