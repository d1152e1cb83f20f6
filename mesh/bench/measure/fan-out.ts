import { count } from '../../local/demo/statistics.ts';
import { postRequests } from '../crowd.ts';
import type { MeasureContext } from './context.ts';
import { untilCalm, untilInserted } from './inserts.ts';

export type FanOutFigures = {
  readonly posts: number;
  readonly inserts: number;
  readonly seconds: number;
  readonly insertsPerSecond: number;
};

const connections = 16;
const posts = 400;

/** Posts by people whom everyone follows, all at once: how fast they get into everyone's windows. */
export async function measureFanOut(context: MeasureContext): Promise<FanOutFigures> {
  const { stack, crowd, load, progress, signal } = context;
  const phase = progress.phase('fan-out', posts);
  const requests = await postRequests(crowd.stars, stack.frontDoor);
  const before = await untilCalm(stack, signal);
  const startedAtMs = performance.now();
  const job = { target: stack.frontDoor, connections, requests, expectedStatus: 201, maxRequests: posts, seconds: 60 };
  const written = await load.run(job);
  // The stars have never read: they have no windows of their own.
  const after = await untilInserted(stack, before + written.requests * crowd.viewers.length, signal);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const inserts = after - before;
  phase.end(`${count(inserts)} inserts`);
  return { posts: written.requests, inserts, seconds, insertsPerSecond: inserts / seconds };
}
