import type { TimelineEntry } from '#kit/redis/timeline.ts';
import type { Build } from '#kit/redis/window.ts';
import type { FollowSet } from './follow-sets.ts';
import type { FeedMetrics } from './metrics.ts';
import type { Windows } from './window.ts';

/** Builds windows anew: one rebuild a person and follow set at a time, however many requests wait for it. */
export interface Rebuilds {
  /**
   * Builds the window, or waits for the rebuild that is running in this process. It belongs to no request: the one that began it
   * may be cancelled, or have little time left.
   * @returns what Postgres held; undefined for who has waited for another's: that may be older than this request, and
   * what was posted since is in the window that it leaves
   */
  run(userId: string, set: FollowSet, requestId: string): Promise<Rebuilt | undefined>;
}

export interface Rebuilt {
  /** What Postgres held, newest first. */
  entries: TimelineEntry[];
  /** Undefined when Redis is away. */
  build: Build | undefined;
}

export interface RebuildDependencies {
  windows: Pick<Windows, 'begin' | 'finish'>;
  /** Reads the newest entries from Postgres. */
  readNewest(userId: string, set: FollowSet, requestId: string): Promise<TimelineEntry[]>;
  maxEntries: number;
  /** Redis away, or a build that fails, costs speed and never an answer. */
  orNothing<Result>(work: Promise<Result>): Promise<Result | undefined>;
  metrics: Pick<FeedMetrics, 'rebuilt'>;
}

export function createRebuilds(dependencies: RebuildDependencies): Rebuilds {
  const { windows, readNewest, maxEntries, orNothing, metrics } = dependencies;
  const running = new Map<string, Promise<Rebuilt>>();

  /** It begins before Postgres is read, so that no push falls between the two. */
  async function rebuild(userId: string, set: FollowSet, requestId: string): Promise<Rebuilt> {
    const startedMs = performance.now();
    const build = await orNothing(windows.begin(userId));
    const entries = await readNewest(userId, set, requestId);
    if (build !== undefined) {
      await orNothing(windows.finish(userId, build, set.version, entries, entries.length < maxEntries));
    }
    metrics.rebuilt((performance.now() - startedMs) / 1_000);
    return { entries, build };
  }

  return {
    async run(userId, set, requestId) {
      const key = `${userId} ${set.version}`;
      const others = running.get(key);
      if (others !== undefined) {
        await others.catch(() => undefined);
        return undefined;
      }
      const own = rebuild(userId, set, requestId).finally(() => running.delete(key));
      running.set(key, own);
      return own;
    },
  };
}
