/** What people look at. */
import assert from 'node:assert/strict';
import { FeedItem_Reason } from '#gen/oxo/feed/v1/feed.ts';
import { decodePageToken } from '#kit/page-token.ts';
import { refused } from '#kit/testing/refused.ts';
import { checkGone, checkPeople } from './accounts.ts';
import { checkPage, checkReasons, checkShape, describeExpected, describeShown, type ShownPage } from './checks.ts';
import type { ModelPost } from './model.ts';
import type { Bookmark, Stage } from './stage.ts';
import type { Person } from './system.ts';
import { checkRevisions } from './texts.ts';

export const beginning: Bookmark = { token: '', before: undefined };

type Read = { readonly page: ShownPage; readonly rest: Bookmark | undefined };

/** A page of somebody's feed. @returns where the next one begins; undefined at the end */
async function readFeed(
  { system }: Stage,
  viewer: Person,
  from: Bookmark,
  pageSize: number,
  requestId: string,
): Promise<Read> {
  const request = { pageSize, pageToken: from.token };
  const { items, nextPageToken } = await system.feeds.getFeed(request, system.as(viewer, requestId));
  const posts = items.flatMap(({ post }) => post ?? []);
  const next = decodePageToken(`feed:${viewer.id}`, nextPageToken);
  const title = `a page of ${pageSize} posts of the feed of ${viewer.name}`;
  const page = { title, posts, reasons: items.map(({ reason }) => reason), pageSize, before: from.before, next };
  return { page, rest: nextPageToken === '' ? undefined : { token: nextPageToken, before: next } };
}

/** A page of somebody's posts, as this viewer sees them. */
async function readList(
  { system }: Stage,
  viewer: Person,
  author: Person,
  from: Bookmark,
  pageSize: number,
  requestId: string,
): Promise<Read> {
  const request = { userId: author.id, pageSize, pageToken: from.token };
  const { posts, nextPageToken } = await system.posts.listUserPosts(request, system.as(viewer, requestId));
  const next = decodePageToken(`user-posts:${author.id}`, nextPageToken);
  const title = `a page of ${pageSize} posts of ${author.name}, as ${viewer.name} sees them`;
  const page = { title, posts, pageSize, before: from.before, next };
  return { page, rest: nextPageToken === '' ? undefined : { token: nextPageToken, before: next } };
}

/** A page of the public feed, which holds what all histories post at the same time: those of this one are checked. */
export async function checkPublic(stage: Stage, viewer: Person, from: Bookmark, pageSize: number) {
  const { system, model, people } = stage;
  const request = { pageSize, pageToken: from.token };
  const { items, nextPageToken } = await system.feeds.getPublicFeed(request, system.as(viewer, stage.newRequest()));
  const shown = items.flatMap(({ post }) => post ?? []);
  const title = `a page of ${pageSize} posts of the public feed`;
  const next = decodePageToken('public-feed', nextPageToken);
  checkShape({ title, posts: shown, pageSize, before: from.before, next });
  assert.ok(items.every(({ reason }) => reason === FeedItem_Reason.PUBLIC_POST));
  const own = new Set(people.map(({ id }) => id));
  const posts = shown.filter(({ author }) => own.has(author?.id ?? ''));
  const page = { title, posts, pageSize: posts.length, before: from.before, next };
  checkPage(stage, model.publicFeed(), page, () => true);
  return nextPageToken === '' ? undefined : { token: nextPageToken, before: next };
}

/**
 * Reads a page of a feed from a bookmark and checks it.
 * @param isMeeting others change things at the same time, so only the shape of the page is known
 */
export async function checkFeed(stage: Stage, viewer: Person, from: Bookmark, pageSize: number, isMeeting = false) {
  // Before the call: what is handled meanwhile may be seen or not.
  const due = new Set(stage.model.feed(viewer.id).filter((post) => isDueTo(stage, viewer, post)));
  const { page, rest } = await readFeed(stage, viewer, from, pageSize, stage.newRequest());
  checkShape(page);
  checkReasons(viewer, page);
  if (!isMeeting) {
    checkPage(stage, stage.model.feed(viewer.id), page, (post) => due.has(post));
    // What was seen once does not vanish again by itself.
    for (const { id } of page.posts) stage.model.post(id)?.owedTo.add(viewer.id);
  }
  return rest;
}

/** One's own, what was there when one followed, what one has seen, and what has been handled. */
export function isDueTo({ system }: Stage, viewer: Person, post: ModelPost): boolean {
  return post.owedTo.has(viewer.id) || system.interposer.isHandled(post.requestId);
}

export async function checkList(stage: Stage, viewer: Person, author: Person, from: Bookmark, pageSize: number) {
  const { page, rest } = await readList(stage, viewer, author, from, pageSize, stage.newRequest());
  checkPage(stage, stage.model.list(viewer.id, author.id), page, () => true);
  return rest;
}

/** A post by itself: as it is now for those who may see it, and for nobody else. */
export async function checkPost(stage: Stage, viewer: Person, post: ModelPost): Promise<void> {
  const { system, model } = stage;
  const call = system.posts.getPost({ id: post.id }, system.as(viewer, stage.newRequest()));
  if (!model.sees(viewer.id, post)) return assert.rejects(call, refused('POST_NOT_FOUND'));
  const { post: shown } = await call;
  assert.deepEqual(shown && describeShown(shown), describeExpected(stage, post));
  await checkRevisions(stage, viewer, post);
}

/** A person as another sees them: name, counts, etag, and how the two stand. */
export async function checkPerson(stage: Stage, viewer: Person, person: Person): Promise<void> {
  const { system, model } = stage;
  const { user } = await system.users.getUser({ id: person.id }, system.as(viewer, stage.newRequest()));
  const shown = {
    ...{ name: user?.displayName, followers: user?.followersCount, following: user?.followingCount },
    ...{ etag: user?.etag, relationship: user?.relationship },
  };
  const relationship = {
    following: model.follows(viewer.id, person.id),
    followedBy: model.follows(person.id, viewer.id),
  };
  const { displayName, etag } = model.person(person.id);
  assert.deepEqual(shown, { name: displayName, ...model.counts(person.id), etag, relationship });
}

/** All pages of everything for everybody: feeds, lists of posts and of people, counts. Every event must have been handled. */
export async function checkAll(stage: Stage, pageSize: number): Promise<void> {
  await checkFeeds(stage, pageSize);
  const viewers = present(stage);
  for (const [index, person] of stage.people.entries()) {
    if (stage.model.isGone(person.id)) {
      await checkGone(stage, person);
      continue;
    }
    const viewer = viewers[(index + 1) % viewers.length] as Person;
    await checkPerson(stage, viewer, person);
    await checkPeople(stage, viewer, person, pageSize);
    await toTheEnd(stage, (from) => checkList(stage, viewer, person, from, pageSize));
  }
}

/** Those whose account is there. */
const present = ({ people, model }: Stage): Person[] => people.filter(({ id }) => !model.isGone(id));

/** All pages of everybody's feed. */
export async function checkFeeds(stage: Stage, pageSize: number): Promise<void> {
  for (const viewer of present(stage)) await toTheEnd(stage, (from) => checkFeed(stage, viewer, from, pageSize));
}

async function toTheEnd(stage: Stage, read: (from: Bookmark) => Promise<Bookmark | undefined>): Promise<void> {
  let from: Bookmark | undefined = beginning;
  for (let pages = 0; from !== undefined; pages += 1) {
    assert.ok(pages <= stage.everyPost.size, 'the pages come to an end');
    from = await read(from);
  }
}
