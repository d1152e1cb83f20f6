import type { Visibility } from '../client/api.ts';

/** A post as the demo knows it: what it sent, and the id and time from the answer. */
export type KnownPost = {
  readonly id: string;
  readonly author: number;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly visibility: Visibility;
  readonly text: string;
  readonly edited: boolean;
};

/**
 * What every feed must hold, from nothing but what people did. It asks no API: the API is what it judges.
 * People are numbers.
 */
export type ExpectedFeeds = {
  readonly follow: (follower: number, followee: number) => void;
  readonly unfollow: (follower: number, followee: number) => void;
  readonly followersOf: (author: number) => ReadonlySet<number>;
  readonly post: (post: Omit<KnownPost, 'edited'>) => void;
  readonly edit: (id: string, text: string) => void;
  readonly delete: (id: string) => void;
  /** Newest first by (createdAtMs, id): all posts by this person and by those whom this person follows. */
  readonly feedOf: (reader: number) => KnownPost[];
  /** Whatever became of a post: for explanations. */
  readonly whatBecameOf: (id: string) => 'unknown' | 'deleted' | KnownPost;
};

export function createExpectedFeeds(people: number): ExpectedFeeds {
  const sets = (): Set<number>[] => Array.from({ length: people }, () => new Set());
  const following = sets();
  const followers = sets();
  const posts = new Map<string, KnownPost>();
  const postsBy: Set<string>[] = Array.from({ length: people }, () => new Set());
  const deleted = new Set<string>();

  const feedOf = (reader: number): KnownPost[] => {
    const authors = [reader, ...at(following, reader)];
    const found = authors.flatMap((author) => [...at(postsBy, author)].map((id) => known(posts, id)));
    return found.sort(newestFirst);
  };
  return {
    feedOf,
    follow: (follower, followee) => {
      at(following, follower).add(followee);
      at(followers, followee).add(follower);
    },
    unfollow: (follower, followee) => {
      at(following, follower).delete(followee);
      at(followers, followee).delete(follower);
    },
    followersOf: (author) => at(followers, author),
    post: (post) => {
      if (posts.has(post.id)) throw new Error(`the id ${post.id} was given twice`);
      posts.set(post.id, { ...post, edited: false });
      at(postsBy, post.author).add(post.id);
    },
    edit: (id, text) => void posts.set(id, { ...known(posts, id), text, edited: true }),
    delete: (id) => {
      at(postsBy, known(posts, id).author).delete(id);
      posts.delete(id);
      deleted.add(id);
    },
    whatBecameOf: (id) => posts.get(id) ?? (deleted.has(id) ? 'deleted' : 'unknown'),
  };
}

/** The order of a feed: newest first by time, then by id. */
export function newestFirst(
  a: Pick<KnownPost, 'createdAtMs' | 'id'>,
  b: Pick<KnownPost, 'createdAtMs' | 'id'>,
): number {
  if (a.createdAtMs !== b.createdAtMs) return b.createdAtMs - a.createdAtMs;
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}

function at<T>(list: readonly T[], person: number): T {
  const found = list[person];
  if (found === undefined) throw new RangeError(`there is no person ${person}`);
  return found;
}

function known(posts: ReadonlyMap<string, KnownPost>, id: string): KnownPost {
  const post = posts.get(id);
  if (post === undefined) throw new Error(`the demo has no post ${id}`);
  return post;
}
