import { feedRequests, postRequests } from '../crowd.ts';
import { startLoadProcess } from '../load/load-process.ts';
import type { MeasureContext } from './context.ts';
import { measureVisible, type VisibleFigures } from './visible.ts';

const connections = 8;

/**
 * Post → visible while reads and posts each take a quarter of what the machine can do.
 * @param rates requests a second at full load, each alone
 */
export async function measureVisibleAtHalfLoad(
  context: MeasureContext,
  rates: { readonly reads: number; readonly posts: number },
): Promise<VisibleFigures> {
  const { stack, crowd } = context;
  // Its own, so that ending it ends the load.
  const background = startLoadProcess();
  const target = stack.frontDoor;
  // Longer than the samples take.
  const seconds = 60;
  try {
    const loads = [
      background.run({
        ...{ target, connections, seconds, expectedStatus: 200, ratePerSecond: rates.reads / 4 },
        requests: await feedRequests(crowd.viewers, target),
      }),
      background.run({
        ...{ target, connections, seconds, expectedStatus: 201, ratePerSecond: rates.posts / 4 },
        requests: await postRequests(crowd.viewers, target),
      }),
    ];
    const failed = Promise.race(loads).then(() => Promise.reject(new Error('the load ended')));
    return await Promise.race([measureVisible(context, 'post → visible, half load'), failed]);
  } finally {
    background.stop();
  }
}
