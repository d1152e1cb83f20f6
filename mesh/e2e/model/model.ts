/**
 * What everybody should see, kept in memory in the simplest way that can be right: lists that are filtered and sorted anew for
 * every question. It knows nothing of windows, caches, events or statements.
 */
import { type Entity, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import type { Position } from '#kit/page-token.ts';

export type ModelPerson = {
  readonly id: string;
  readonly handle: string;
  displayName: string;
  /** As it is now. */
  etag: string;
  /** Before the last change. */
  formerEtag: string;
  readonly followees: Set<string>;
};

export type ModelPost = {
  readonly id: string;
  readonly authorId: string;
  readonly atMs: number;
  /** Of the request that made it: tells whether its event has been handled. */
  readonly requestId: string;
  text: string;
  /** What the text names. */
  entities: readonly Entity[];
  /** The texts before it, the oldest first. */
  readonly formerTexts: Pick<ModelPost, 'text' | 'entities'>[];
  visibility: Post_Visibility;
  editedAtMs: number | undefined;
  /** As it is now. */
  etag: string;
  /** Before the last change. */
  formerEtag: string;
  /** Those who must see it from now on while they follow its author, whatever became of its event. */
  readonly owedTo: Set<string>;
};

/** As it is when it is made. */
export type NewPost = Omit<ModelPost, 'editedAtMs' | 'formerEtag' | 'formerTexts' | 'owedTo'>;

export type Model = ReturnType<typeof createModel>;

export function createModel() {
  const people = new Map<string, ModelPerson>();
  const posts = new Map<string, ModelPost>();
  /** Of people whose account is deleted, the posts that they had. */
  const gone = new Map<string, readonly string[]>();
  let deletes = 0;

  function person(id: string): ModelPerson {
    const found = people.get(id);
    if (found === undefined) throw new Error(`nobody has the id ${id}`);
    return found;
  }

  const follows = (followerId: string, followeeId: string): boolean => person(followerId).followees.has(followeeId);
  const isOfCircle = (viewerId: string, authorId: string): boolean =>
    viewerId === authorId || follows(viewerId, authorId);
  const sees = (viewerId: string, post: ModelPost): boolean =>
    post.visibility === Post_Visibility.PUBLIC || isOfCircle(viewerId, post.authorId);
  const select = (matches: (post: ModelPost) => boolean): ModelPost[] =>
    [...posts.values()].filter(matches).sort(newestFirst);

  return {
    person,
    joined: (user: Pick<ModelPerson, 'id' | 'handle' | 'displayName' | 'etag'>) =>
      void people.set(user.id, { ...user, formerEtag: '"of-nothing"', followees: new Set() }),
    renamed(id: string, change: Pick<ModelPerson, 'displayName' | 'etag'>): void {
      Object.assign(person(id), { formerEtag: person(id).etag, ...change });
    },
    posted(post: NewPost): void {
      const owedTo = new Set([post.authorId]);
      posts.set(post.id, { ...post, editedAtMs: undefined, formerEtag: '"of-nothing"', formerTexts: [], owedTo });
    },
    edited(id: string, change: Pick<ModelPost, 'text' | 'entities' | 'visibility' | 'editedAtMs' | 'etag'>): void {
      const post = posts.get(id);
      if (post === undefined) return;
      post.formerTexts.push({ text: post.text, entities: post.entities });
      Object.assign(post, { formerEtag: post.etag, ...change });
    },
    deleted(id: string): void {
      if (posts.delete(id)) deletes += 1;
    },
    /** A follow shows at once what is there already. */
    followed(followerId: string, followeeId: string): void {
      person(followerId).followees.add(followeeId);
      for (const post of posts.values()) if (post.authorId === followeeId) post.owedTo.add(followerId);
    },
    unfollowed: (followerId: string, followeeId: string) => void person(followerId).followees.delete(followeeId),
    /** The account, and all that hangs on it. */
    left(id: string): void {
      const own = select((post) => post.authorId === id).map((post) => post.id);
      for (const postId of own) posts.delete(postId);
      deletes += own.length;
      person(id).followees.clear();
      for (const { followees } of people.values()) followees.delete(id);
      gone.set(id, own);
    },

    follows,
    sees,
    isGone: (id: string) => gone.has(id),
    /** Those whose account is there. */
    present: () => [...people.values()].filter(({ id }) => !gone.has(id)),
    /** What somebody who is gone had posted, newest first. */
    postsBefore: (id: string) => gone.get(id) ?? [],
    deletes: () => deletes,
    post: (id: string) => posts.get(id),
    /** Newest first, as everybody's. */
    postsOf: (authorId: string) => select((post) => post.authorId === authorId),
    feed: (viewerId: string) => select((post) => isOfCircle(viewerId, post.authorId)),
    list: (viewerId: string, authorId: string) => select((post) => post.authorId === authorId && sees(viewerId, post)),
    /** What anybody may see, of all authors. */
    publicFeed: () => select((post) => post.visibility === Post_Visibility.PUBLIC),
    followers: (id: string) => [...people.values()].filter(({ followees }) => followees.has(id)).map(({ id }) => id),
    following: (id: string) => [...person(id).followees],
    counts: (id: string) => ({
      followers: [...people.values()].filter(({ followees }) => followees.has(id)).length,
      following: person(id).followees.size,
    }),
  };
}

/** By time, then by id; 0 for the same place. */
export function newestFirst(a: Position, b: Position): number {
  if (a.id === b.id) return 0;
  return b.atMs - a.atMs || (a.id < b.id ? 1 : -1);
}
