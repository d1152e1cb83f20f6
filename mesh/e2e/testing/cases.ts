import { describe, test } from 'node:test';
import type { World } from './world.ts';

/** Tests by what they say. They share one stack, so each makes people of its own. */
export type Cases<Place = World> = Readonly<Record<string, (place: Place) => Promise<void>>>;

/** @param place is asked for when the first of them runs */
export function testAll<Place>(title: string, cases: Cases<Place>, place: () => Place): void {
  describe(title, () => {
    for (const [name, run] of Object.entries(cases)) test(name, () => run(place()));
  });
}
