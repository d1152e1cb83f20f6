import { count } from '../../local/cli/statistics.ts';
import { feedRequests, postRequests } from '../crowd.ts';
import { startLoadProcess } from '../load/load-process.ts';
import type { MeasureContext } from './context.ts';
import { measureVisible, type VisibleFigures } from './visible.ts';

/** Requests a second at full load, each kind alone. */
export type FullRates = { readonly reads: number; readonly posts: number };

export type HalfLoadFigures = VisibleFigures & { readonly readsPerSecond: number; readonly postsPerSecond: number };

const connections = 8;

/** The rates that half load is half of. @param measured what this run has measured anyway */
export async function findFullRates(
  context: MeasureContext,
  measured: { readonly [Kind in keyof FullRates]: number | undefined },
): Promise<FullRates> {
  return {
    reads: measured.reads ?? (await findFullRate(context, 'full rate of reads', feedRequests, 200, 32)),
    posts: measured.posts ?? (await findFullRate(context, 'full rate of posts', postRequests, 201, 16)),
  };
}

async function findFullRate(
  { stack, crowd, load, seconds, progress }: MeasureContext,
  name: string,
  requestsOf: typeof feedRequests,
  expectedStatus: number,
  connections: number,
): Promise<number> {
  const phase = progress.phase(name, 1);
  const target = stack.frontDoor;
  const requests = await requestsOf(crowd.viewers, target);
  const { ratePerSecond } = await load.run({ target, requests, expectedStatus, connections, seconds });
  phase.end(`${count(ratePerSecond)}/s`);
  return ratePerSecond;
}

/** Post → visible while reads and posts each come at a quarter of their full rates. */
export async function measureVisibleAtHalfLoad(context: MeasureContext, rates: FullRates): Promise<HalfLoadFigures> {
  const [readsPerSecond, postsPerSecond] = [rates.reads / 4, rates.posts / 4];
  const figures = await atRates(context, readsPerSecond, postsPerSecond, () =>
    measureVisible(context, 'post → visible, half load'),
  );
  return { ...figures, readsPerSecond, postsPerSecond };
}

/** Does a piece of work while reads and posts come at these rates. @throws CliError when that load fails or ends too early */
export async function atRates<Result>(
  { stack, crowd }: MeasureContext,
  readsPerSecond: number,
  postsPerSecond: number,
  work: () => Promise<Result>,
): Promise<Result> {
  // Its own, so that ending it ends the load.
  const background = startLoadProcess();
  const target = stack.frontDoor;
  // Longer than the work takes.
  const seconds = 90;
  try {
    const loads = [
      background.run({
        ...{ target, connections, seconds, expectedStatus: 200, ratePerSecond: readsPerSecond },
        requests: await feedRequests(crowd.viewers, target),
      }),
      background.run({
        ...{ target, connections, seconds, expectedStatus: 201, ratePerSecond: postsPerSecond },
        requests: await postRequests(crowd.viewers, target),
      }),
    ];
    const failed = Promise.race(loads).then(() => Promise.reject(new Error('the load ended')));
    return await Promise.race([work(), failed]);
  } finally {
    background.stop();
  }
}
