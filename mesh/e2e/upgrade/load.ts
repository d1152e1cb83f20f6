import { systemClock } from '#kit/clock.ts';
import { until } from '#kit/testing/until.ts';
import { compareAll } from '../../local/chaos/chaos.ts';
import { type Crowd, type CrowdRun, gatherCrowd } from '../../local/chaos/crowd.ts';
import { createFindings, type Findings } from '../../local/chaos/findings.ts';
import { createProgress } from '../../local/cli/progress.ts';
import { createApi } from '../../local/client/api.ts';
import { createApiClient } from '../../local/client/api-client.ts';
import { newRunId } from '../../local/client/people.ts';
import { createExpectedFeeds } from '../../local/demo/expected-feeds.ts';
import { settle } from '../../local/demo/settle.ts';
import type { StackUrls } from '../../local/stack/plan.ts';

/** People who live through what is done to their stack. */
export type Load = {
  /** Requests that had to be sent again since the last call, in words. */
  readonly failed: () => string[];
  /** Resolves when so many more things have been done. */
  readonly untilMore: (deeds: number) => Promise<void>;
  /**
   * Lets them come to an end, and compares all that was acknowledged with what is there.
   * @param urls where the stack is now, when its passwords are others than at the beginning
   */
  readonly compare: (
    urls?: StackUrls,
  ) => Promise<{ readonly settled: boolean; readonly findings: Findings; readonly crowd: Crowd }>;
  readonly stop: () => Promise<void>;
};

const connections = 32;
const silence = { write: () => undefined };

/** Signs people up, and lets them post, edit, delete, follow, unfollow and read until they are stopped. */
export async function beginLoad(urls: StackUrls, people: number, signal: AbortSignal): Promise<Load> {
  const findings = createFindings();
  const repeats: string[] = [];
  const client = createApiClient({
    ...{ frontDoor: urls.frontDoor, connections, maxAttempts: 60, maxWaitMs: 500, signal, alsoPassing: [500] },
    onRepeat: ({ method, path }, status) => void repeats.push(`${method} ${path}: ${status ?? 'no answer'}`),
  });
  const base = { api: createApi(client), progress: createProgress(silence), connections, signal, findings };
  const run: CrowdRun = {
    ...base,
    expected: createExpectedFeeds(people),
    runId: newRunId(systemClock.nowMs()),
    seed: 5,
  };
  const crowd = await gatherCrowd(run, people);
  const end = crowd.begin();
  const done = (): number => Object.values(crowd.deeds).reduce((sum, count) => sum + count, 0);
  return {
    failed: () => repeats.splice(0),
    untilMore: async (deeds) => {
      const wanted = done() + deeds;
      await until(`${deeds} more deeds`, () => done() >= wanted, 60_000);
    },
    compare: async (now = urls) => {
      await end();
      const settled = await settle(run, crowd.people, [...crowd.people.keys()], now);
      await compareAll(run, crowd.people, { urls: now }, client);
      return { settled, findings, crowd };
    },
    stop: async () => {
      await end();
      client.close();
    },
  };
}
