import type { CallOptions } from 'nice-grpc';
import type { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import type { Position } from '#kit/page-token.ts';
import { newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import { nameOfBuild, type Stretch } from '#kit/redis/window.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { FollowSet, FollowSets } from './follow-sets.ts';
import { type Merged, merge } from './merge.ts';
import type { FeedMetrics } from './metrics.ts';
import type { PulledPosts, PulledStretch } from './pulled-posts.ts';
import { createRebuilds } from './rebuilds.ts';
import { type Known, type Place, placeAt } from './since.ts';
import type { Windows } from './window.ts';

/** A stretch of the feed, newest first: which posts are in it, before it is known which of them still exist. */
export interface Candidates {
  entries: TimelineEntry[];
  /** Older entries begin below this place; undefined when there are none. */
  next: Position | undefined;
  /** Where they came from, for the hit rate. */
  source: 'window' | 'rebuild' | 'postgres';
  /** With the newest entries: the moment of this read. Undefined when it will not be known what has arrived since. */
  place: Place | undefined;
}

export interface CandidateReader {
  /** At most `count` entries older than `before`, of the caller and of those whom the caller follows now. */
  read(before: Position | undefined, count: number, context: CallContext): Promise<Candidates>;
}

export interface CandidateDependencies {
  windows: Windows;
  followSets: FollowSets;
  pulledPosts: PulledPosts;
  posts: RpcClient<PostInternalServiceDefinition>;
  maxEntries: number;
  metrics: Pick<FeedMetrics, 'rebuilt'>;
  logger: Logger;
}

export function createCandidateReader(dependencies: CandidateDependencies): CandidateReader {
  const { windows, followSets, pulledPosts, posts, maxEntries, metrics, logger } = dependencies;
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
    return {
      entries,
      next: entries.length < count ? undefined : entries.at(-1),
      source: 'postgres',
      place: undefined,
    } as const;
  }

  const readNewest = (userId: string, set: FollowSet, requestId: string) =>
    listPosts({ userId, set, before: undefined, count: maxEntries }, asService({ requestId }));
  const rebuilds = createRebuilds({ windows, readNewest, maxEntries, orNothing, metrics });

  /** Below the certain part Postgres goes on. */
  async function continueInPostgres(
    { entries, exhausted, floor }: Merged,
    source: Candidates['source'],
    { set, before, count, context, place }: Reading,
  ): Promise<Candidates> {
    const { userId } = requireViewer(context);
    const followed = entries.filter((entry) => entry.ownerId === userId || set.ids.has(entry.ownerId));
    const last = entries.at(-1);
    if (!exhausted || followed.length === count) return { entries: followed, next: last, source, place };
    if (floor === undefined) return { entries: followed, next: undefined, source, place };
    const rest = await readPostgres(set, last ?? before, count - followed.length, context);
    return { ...rest, entries: [...followed, ...rest.entries], place };
  }

  /** By the window that another request has built. There is none when another replica builds as well, or Redis went away. */
  async function readAgain(others: Others, reading: Reading): Promise<Candidates> {
    const { set, before, count, context } = reading;
    const page = await orNothing(windows.read(requireViewer(context).userId, before, count));
    if (page?.window?.label !== set.version) return readPostgres(set, before, count, context);
    const own = { entries: page.own, floor: undefined };
    const placed = { ...reading, place: placeOf(page.log, page.window?.entries[0], others) };
    return continueInPostgres(merge(page.window, [...others, own], count), 'rebuild', placed);
  }

  /** @param others what came meanwhile, as of this request: the rebuild may have begun before the newest of them */
  async function readRebuilt(others: Others, reading: Reading): Promise<Candidates> {
    const { set, before, count, context } = reading;
    const outcome = await rebuilds.run(requireViewer(context).userId, set, context.requestId);
    if (outcome === undefined) return readAgain(others, reading);
    const { entries: all, build } = outcome;
    const older = before === undefined ? all : all.filter((entry) => newestFirst(before, entry) < 0);
    const rebuilt = { entries: older, floor: all.length < maxEntries ? undefined : all.at(-1) };
    // What Postgres did not know yet arrives since the build has begun.
    const place = placeOf(build && { nonce: nameOfBuild(build), count: 0 }, all[0], others);
    return continueInPostgres(merge(rebuilt, others, count), 'rebuild', { ...reading, place });
  }

  return {
    async read(before, count, context) {
      const { userId } = requireViewer(context);
      const known = followSets.known(userId);
      // In one pipeline: whom of the famous one follows is nearly always known.
      const [page, guess] = await Promise.all([
        orNothing(windows.read(userId, before, count)),
        known && pulledPosts.read(known.pulledIds, before, count, context),
      ]);
      const set = await followSets.get(page?.followVersion ?? '', context);
      if (page === undefined || set.version === '') return readPostgres(set, before, count, context);
      const pulled = set === known ? guess : await pulledPosts.read(set.pulledIds, before, count, context);
      if (pulled === undefined) return readPostgres(set, before, count, context);

      const others: Others = [{ entries: page.own, floor: undefined }, pulled];
      const reading = { set, before, count, context, place: placeOf(page.log, page.window?.entries[0], others) };
      if (page.window === undefined || page.window.label !== set.version) return readRebuilt(others, reading);
      return continueInPostgres(merge(page.window, others, count), 'window', reading);
    },
  };
}

/** One's own posts and those of pulled authors. */
type Others = readonly [own: Stretch, pulled: PulledStretch];

function placeOf(log: Known['log'], newest: Position | undefined, [own, pulled]: Others): Place {
  return placeAt({ log, newest, own: own.entries, pulled });
}

interface Reading {
  set: FollowSet;
  before: Position | undefined;
  count: number;
  context: CallContext;
  place: Place;
}

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
