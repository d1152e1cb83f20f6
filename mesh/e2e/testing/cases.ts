import { describe, test } from 'node:test';
import type { World } from './world.ts';

/** Tests by what they say. They share one stack, so each makes people of its own. */
export type Cases = Readonly<Record<string, (world: World) => Promise<void>>>;

/** @param world is asked for when the first of them runs */
export function testAll(title: string, cases: Cases, world: () => World): void {
  describe(title, () => {
    for (const [name, run] of Object.entries(cases)) test(name, () => run(world()));
  });
}
