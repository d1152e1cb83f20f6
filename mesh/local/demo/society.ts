import type { Graph } from './graph.ts';
import type { Random } from './random.ts';
import { writeText } from './sentences.ts';

export type Visibility = 'PUBLIC' | 'FOLLOWERS';
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
};

export const postsEach = 8;
const followersOnlyShare = 0.15;
const lateReaderShare = 0.1;
const unfollowShare = 0.02;
const editShare = 0.04;
const deleteShare = 0.04;

/** Plans the whole run from the friendships: both ends of each follow each other. */
export function planSociety(graph: Graph, random: Random): Society {
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
    changes: random.shuffle<Change>([
      ...unfollowed.map((follow) => ({ kind: 'unfollow' as const, ...follow })),
      ...edits.map((post) => ({ kind: 'edit' as const, post, text: writeText(random, `post ${post}, changed`) })),
      ...deletes.map((post) => ({ kind: 'delete' as const, post })),
    ]),
  };
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
