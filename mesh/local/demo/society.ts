import type { Visibility } from '../client/api.ts';
import type { Random } from '../client/random.ts';
import type { Graph } from './graph.ts';
import { writeText } from './sentences.ts';

export type Follow = { readonly follower: number; readonly followee: number };
export type PlannedPost = { readonly author: number; readonly text: string; readonly visibility: Visibility };

/** What happens after the posts, in no particular order; no two of them touch the same follow or post. */
export type Change =
  | ({ readonly kind: 'unfollow' } & Follow)
  /** `post` is a place in `Society.posts`. */
  | { readonly kind: 'edit'; readonly post: number; readonly text: string }
  | { readonly kind: 'delete'; readonly post: number };

/** Everything that people will do, in the order of the phases. */
export type Society = {
  readonly people: number;
  /** Those who have read their feed before the posts; the others come later and find no window. */
  readonly earlyReaders: ReadonlySet<number>;
  readonly followsBefore: readonly Follow[];
  readonly posts: readonly PlannedPost[];
  readonly followsAfter: readonly Follow[];
  readonly changes: readonly Change[];
  /** Whose followers go and come back while all write, so that their authors cross the limit in both directions. */
  readonly wavering: readonly Wavering[];
};

export type Wavering = { readonly author: number; readonly followers: readonly number[] };

export const postsEach = 8;
const followersOnlyShare = 0.15;
const lateReaderShare = 0.1;
const unfollowShare = 0.02;
const editShare = 0.04;
const deleteShare = 0.04;
const maxWavering = 8;
/** Of the limit: whoever has no more followers than that is pushed again. */
const backShare = 0.8;

/**
 * Plans the whole run from the friendships: both ends of each follow each other.
 * @param pullAbove the limit of followers, where authors are to cross it
 */
export function planSociety(graph: Graph, random: Random, pullAbove?: number): Society {
  const people = graph.names.length;
  const follows = random.shuffle(
    graph.friendships.flatMap(([one, other]) => [
      { follower: one, followee: other },
      { follower: other, followee: one },
    ]),
  );
  const half = Math.floor(follows.length / 2);
  const posts = planPosts(people, random);
  const unfollowed = random.shuffle(follows).slice(0, share(follows.length, unfollowShare));
  const touched = random.shuffle(posts.map((_, index) => index));
  const edits = touched.slice(0, share(posts.length, editShare));
  const deletes = touched.slice(edits.length, edits.length + share(posts.length, deleteShare));
  const everyone = Array.from({ length: people }, (_, person) => person);
  return {
    people,
    earlyReaders: new Set(random.shuffle(everyone).slice(share(people, lateReaderShare))),
    followsBefore: follows.slice(0, half),
    posts,
    followsAfter: follows.slice(half),
    wavering: pullAbove === undefined ? [] : planWavering(follows.slice(0, half), pullAbove),
    changes: random.shuffle<Change>([
      ...unfollowed.map((follow) => ({ kind: 'unfollow' as const, ...follow })),
      ...edits.map((post) => ({ kind: 'edit' as const, post, text: writeText(random, `post ${post}, changed`) })),
      ...deletes.map((post) => ({ kind: 'delete' as const, post })),
    ]),
  };
}

/** Those who are just above the limit: they lose as few as it takes to be a fifth below it. */
function planWavering(follows: readonly Follow[], pullAbove: number): Wavering[] {
  const byAuthor = Map.groupBy(follows, ({ followee }) => followee);
  return [...byAuthor]
    .filter(([, followers]) => followers.length > pullAbove)
    .sort(([, one], [, other]) => one.length - other.length)
    .slice(0, maxWavering)
    .map(([author, followers]) => {
      const lost = followers.length - Math.floor(pullAbove * backShare);
      return { author, followers: followers.slice(0, lost).map(({ follower }) => follower) };
    });
}

function planPosts(people: number, random: Random): PlannedPost[] {
  const authors = Array.from({ length: people * postsEach }, (_, index) => index % people);
  return random.shuffle(authors).map((author, index) => ({
    author,
    text: writeText(random, `post ${index}`),
    visibility: random.next() < followersOnlyShare ? 'FOLLOWERS' : 'PUBLIC',
  }));
}

/** At least one, so that a small graph has some of everything too. */
function share(total: number, part: number): number {
  return Math.max(1, Math.round(total * part));
}
