/** What has arrived in a feed since a moment that somebody holds. */
import assert from 'node:assert/strict';
import type { FeedItem } from '#gen/oxo/feed/v1/feed.ts';
import { decodePageToken, type Position } from '#kit/page-token.ts';
import { checkPage, checkReasons, checkShape, describeExpected, describeShown, requireEqual } from './checks.ts';
import { type ModelPost, newestFirst } from './model.ts';
import { isDueTo } from './reads.ts';
import type { Stage } from './stage.ts';
import type { Person } from './system.ts';

/** A moment that somebody holds, and what was told until then. */
export type HeldMoment = {
  readonly sinceId: string;
  /** Posts of the newest page, and of the answers since; how often each one's event had been handled then, at least. */
  readonly told: ReadonlyMap<string, number>;
  /** Where that page ended; of what is older, the moment may know, or not. Undefined when it told all. */
  readonly end: Position | undefined;
};

/** So many own posts and those of pulled authors are told apart by their ids; if there are more, some come again. */
const maxKnown = 16;

type Asked = { readonly pageSize: number; readonly isMeeting?: boolean };

/**
 * Asks what has arrived since the moment that the viewer holds, and checks that it is all of it and nothing that was told; without
 * a moment, and with `reset`, that it is the newest page.
 * @returns the moment from then on
 */
export async function checkArrivals(
  stage: Stage,
  viewer: Person,
  { pageSize, isMeeting = false }: Asked,
): Promise<HeldMoment> {
  const { system, model } = stage;
  const held = stage.moments.get(viewer.id);
  // Before the call: what is handled meanwhile may be seen or not.
  const before = model.feed(viewer.id);
  const due = new Set(before.filter((post) => isDueTo(stage, viewer, post)));
  const handlings = new Map(before.map(({ id, requestId }) => [id, system.interposer.handlings(requestId).ended]));
  const request = { pageSize, sinceId: held?.sinceId ?? '' };
  const { items, ...rest } = await system.feeds.getFeed(request, system.as(viewer, stage.newRequest()));
  const end = decodePageToken(`feed:${viewer.id}`, rest.nextPageToken);
  const title = `what has arrived since, ${pageSize} posts at most, for ${viewer.name}`;
  const page = { title, ...shownBy(items), pageSize, before: undefined, next: end };
  checkShape(page);
  checkReasons(viewer, page);
  assert.notEqual(rest.sinceId, '', 'there is a moment to ask from');
  if (held === undefined) assert.equal(rest.reset, false, 'nobody has asked since when');
  const ids = page.posts.map(({ id }) => id);
  const told = ids.map((id) => [id, handlings.get(id) ?? 0] as const);
  const isNewest = held === undefined || rest.reset;
  if (held !== undefined) system.answers[rest.reset ? 'reset' : 'arrived'] += 1;
  if (!isMeeting) {
    if (isNewest) checkPage(stage, model.feed(viewer.id), page, (post) => due.has(post));
    else checkSince(stage, viewer, held, page, (post) => due.has(post));
    for (const id of ids) model.post(id)?.owedTo.add(viewer.id);
  }
  if (isNewest) return { sinceId: rest.sinceId, told: new Map(told), end };
  assert.equal(rest.nextPageToken, '', 'it is all that has arrived');
  return { sinceId: rest.sinceId, told: new Map([...held.told, ...told]), end: held.end };
}

/** Whoever holds a moment is told the rest. Every event must have been handled. */
export async function checkAllArrivals(stage: Stage): Promise<void> {
  for (const viewer of stage.people) {
    if (stage.moments.has(viewer.id) && !stage.model.isGone(viewer.id)) {
      await checkArrivals(stage, viewer, { pageSize: 100 });
    }
  }
}

const shownBy = (items: readonly FeedItem[]) => ({
  posts: items.flatMap(({ post }) => post ?? []),
  reasons: items.map(({ reason }) => reason),
});

/** All that was due and has not been told, as it is now, and nothing that was told. */
function checkSince(
  stage: Stage,
  viewer: Person,
  { told, end }: HeldMoment,
  { title, posts }: { readonly title: string; readonly posts: ReturnType<typeof shownBy>['posts'] },
  isDue: (post: ModelPost) => boolean,
): void {
  const feed = stage.model.feed(viewer.id);
  const shown = new Set(posts.map(({ id }) => id));
  const isOwed = (post: ModelPost) =>
    isDue(post) && !told.has(post.id) && (end === undefined || newestFirst(post, end) <= 0);
  const wanted = feed.filter((post) => shown.has(post.id) || isOwed(post));
  requireEqual(
    title,
    posts.map(describeShown),
    wanted.map((post) => describeExpected(stage, post)),
  );
  // One's own come again with the fan-out, and what is below the floor of the window whenever it is pushed.
  const hasComeAgain = ({ id, requestId }: ModelPost) =>
    stage.system.interposer.handlings(requestId).begun > (told.get(id) ?? 0);
  const again = feed.filter((post) => shown.has(post.id) && told.has(post.id) && !hasComeAgain(post));
  if (feed.length <= maxKnown)
    requireEqual(
      `${title}, again`,
      again.map(({ text }) => text),
      [],
    );
}
