import type { CallOptions } from 'nice-grpc';
import type { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import { type Logger, warnSeldom } from '#kit/logger.ts';
import type { Position } from '#kit/page-token.ts';
import { newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { FollowSet, FollowSets } from './follow-sets.ts';
import { createRebuilds } from './rebuilds.ts';
import type { WindowPage, Windows } from './window.ts';

/** A stretch of the feed, newest first: which posts are in it, before it is known which of them still exist. */
export interface Candidates {
  entries: TimelineEntry[];
  /** Older entries begin below this place; undefined when there are none. */
  next: Position | undefined;
  /** Where they came from, for the hit rate. */
  source: 'window' | 'rebuild' | 'postgres';
}

export interface CandidateReader {
  /** At most `count` entries older than `before`, of the caller and of those whom the caller follows now. */
  read(before: Position | undefined, count: number, context: CallContext): Promise<Candidates>;
}

export interface CandidateDependencies {
  windows: Windows;
  followSets: FollowSets;
  posts: RpcClient<PostInternalServiceDefinition>;
  maxEntries: number;
  logger: Logger;
}

export function createCandidateReader(dependencies: CandidateDependencies): CandidateReader {
  const { windows, followSets, posts, maxEntries, logger } = dependencies;
  const warn = warnSeldom(logger);
  const listPosts = createPostLister(posts);

  /** Redis away, or a build that fails, costs speed and never an answer. */
  function orNothing<Result>(work: Promise<Result>): Promise<Result | undefined> {
    return work.catch((error: unknown) => {
      warn({ err: error }, 'windows cannot be used; Postgres answers');
      return undefined;
    });
  }

  async function readPostgres(set: FollowSet, before: Position | undefined, count: number, context: CallContext) {
    const { userId } = requireViewer(context);
    const entries = await listPosts({ userId, set, before, count }, asService(context));
    return { entries, next: entries.length < count ? undefined : entries.at(-1), source: 'postgres' } as const;
  }

  const readNewest = (userId: string, set: FollowSet, requestId: string) =>
    listPosts({ userId, set, before: undefined, count: maxEntries }, asService({ requestId }));
  const rebuilds = createRebuilds({ windows, readNewest, maxEntries, orNothing });

  /** By the window that another request has built. There is none when another replica builds as well, or Redis went away. */
  async function readAgain(set: FollowSet, before: Position | undefined, count: number, context: CallContext) {
    const page = await orNothing(windows.read(requireViewer(context).userId, before, count));
    if (page?.window?.builtFor !== set.version) return readPostgres(set, before, count, context);
    const read = await readWindow(page.window, page.own, set, before, count, context);
    return { ...read, source: 'rebuild' } as const;
  }

  /** @param own one's own posts as of this request: the rebuild may miss the newest of them */
  async function readRebuilt(
    set: FollowSet,
    own: TimelineEntry[],
    before: Position | undefined,
    count: number,
    context: CallContext,
  ): Promise<Candidates> {
    const all = await rebuilds.run(requireViewer(context).userId, set, context.requestId);
    if (all === undefined) return readAgain(set, before, count, context);
    const isComplete = all.length < maxEntries;
    const older = before === undefined ? all : all.filter((entry) => newestFirst(before, entry) < 0);
    if (!isComplete && older.length < count) return readPostgres(set, before, count, context);
    const window = { entries: older.slice(0, count + 1), floor: isComplete ? undefined : all.at(-1) };
    const merged = mergeOwn(window, own, count + 1).entries;
    const entries = merged.slice(0, count);
    return { entries, next: merged.length > count || !isComplete ? entries.at(-1) : undefined, source: 'rebuild' };
  }

  async function readWindow(
    window: Window,
    own: TimelineEntry[],
    set: FollowSet,
    before: Position | undefined,
    count: number,
    context: CallContext,
  ): Promise<Candidates> {
    const { userId } = requireViewer(context);
    const { entries, exhausted } = mergeOwn(window, own, count);
    const followed = entries.filter((entry) => entry.ownerId === userId || set.ids.has(entry.ownerId));
    const last = entries.at(-1);
    if (!exhausted || followed.length === count) return { entries: followed, next: last, source: 'window' };
    if (window.floor === undefined) return { entries: followed, next: undefined, source: 'window' };
    const rest = await readPostgres(set, last ?? before, count - followed.length, context);
    return { ...rest, entries: [...followed, ...rest.entries] };
  }

  return {
    async read(before, count, context) {
      const { userId } = requireViewer(context);
      const page = await orNothing(windows.read(userId, before, count));
      const set = await followSets.get(page?.followVersion ?? '', context);
      if (page === undefined || set.version === '') return readPostgres(set, before, count, context);
      if (page.window === undefined || page.window.builtFor !== set.version)
        return readRebuilt(set, page.own, before, count, context);
      return readWindow(page.window, page.own, set, before, count, context);
    },
  };
}

type Window = NonNullable<WindowPage['window']>;

interface PostQuery {
  userId: string;
  set: FollowSet;
  before: Position | undefined;
  count: number;
}

/** Reads what Postgres holds: the definition of the feed. */
function createPostLister(posts: RpcClient<PostInternalServiceDefinition>) {
  return async ({ userId, set, before, count }: PostQuery, options: CallOptions) => {
    const request = {
      authorIds: [userId, ...set.ids],
      before: before === undefined ? undefined : { publishedAtMs: BigInt(before.atMs), id: before.id },
      pageSize: count,
    };
    const { posts: refs } = await posts.listPostsByAuthors(request, options);
    return refs.map((ref) => ({ atMs: Number(ref.publishedAtMs), id: ref.id, ownerId: ref.authorId }));
  };
}

/**
 * The window's entries with the own posts that the fan-out has not brought yet. `exhausted` says that the window holds nothing
 * older. Own posts at or below the floor are left out, since Postgres goes on there; so are those older than the last entry of a
 * full page, because the window may hold others before them.
 */
function mergeOwn(window: Pick<Window, 'entries' | 'floor'>, own: TimelineEntry[], count: number) {
  const exhausted = window.entries.length < count;
  const bound = exhausted ? window.floor : window.entries.at(-1);
  const known = new Set(window.entries.map((entry) => entry.id));
  const missing = own.filter((entry) => !known.has(entry.id) && (bound === undefined || newestFirst(entry, bound) < 0));
  if (missing.length === 0) return { entries: window.entries, exhausted };
  const entries = [...window.entries, ...missing].sort(newestFirst);
  return { entries: entries.slice(0, count), exhausted: exhausted && entries.length <= count };
}
