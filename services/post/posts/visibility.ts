import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import type { UserSummary } from '#gen/oxo/user/v1/user.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { viewerOf } from '#kit/identity/caller.ts';
import { onBehalfOf, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { PostRow } from '../entities/post-entity.ts';
import type { Authors } from './authors.ts';
import { findPost } from './find-posts.ts';
import { postNotFound } from './refusals.ts';

/** What everybody may see, and what followers may see, who are signed in: named one by one, so whatever else there may come to be is not among it. */
export const FOR_ALL: readonly Post_Visibility[] = [Post_Visibility.PUBLIC];
export const FOR_FOLLOWERS: readonly Post_Visibility[] = [Post_Visibility.PUBLIC, Post_Visibility.FOLLOWERS];

/** A post that the caller may see, and who wrote it. */
export interface SeenPost {
  row: PostRow;
  author: UserSummary;
}

/**
 * Who may see a post, decided here for all of OXO: PUBLIC everyone, FOLLOWERS the author and those who follow the author now;
 * nobody sees the posts of an author who is gone. The person for whom the call is made comes from its token, never from a field of the request.
 */
export interface Visibility {
  /** Those of the posts that the caller may see, in the same order. Asks the user service at most once for each of both. */
  filter(posts: readonly PostRow[], context: CallContext): Promise<SeenPost[]>;
  /**
   * The post with this id, as the caller sees it: what every RPC that acts on a post asks first.
   * @throws OxoError POST_NOT_FOUND when there is none, or the caller may not see it: nobody can tell the one from the other
   */
  requireVisible(id: string, context: CallContext): Promise<SeenPost>;
  /** Whether the caller may see what this author shows to followers. */
  isAmongFollowers(authorId: string, context: CallContext): Promise<boolean>;
}

export interface VisibilityDependencies {
  db: Queryable;
  users: RpcClient<UserInternalServiceDefinition>;
  authors: Pick<Authors, 'find'>;
}

export function createVisibility({ db, users, authors }: VisibilityDependencies): Visibility {
  /** Those of the authors whose followers the caller is among: those whom the caller follows now, and the caller. */
  async function followed(authorIds: Iterable<string>, context: CallContext): Promise<Set<string>> {
    const viewerId = viewerOf(context)?.userId;
    if (viewerId === undefined) return new Set();
    const others = new Set(authorIds);
    others.delete(viewerId);
    // An empty list would ask for all followees.
    if (others.size === 0) return new Set([viewerId]);
    const { followeeIds } = await users.listFolloweeIds({ amongIds: [...others] }, onBehalfOf(context));
    return new Set([viewerId, ...followeeIds]);
  }

  /** Those of the posts whose visibility lets the caller see them. */
  async function allowed(posts: readonly PostRow[], context: CallContext): Promise<PostRow[]> {
    const limited = posts.filter(({ visibility }) => !FOR_ALL.includes(visibility));
    if (limited.length === 0) return [...posts];
    const authorIds = await followed(
      limited.map((post) => post.authorId),
      context,
    );
    return posts.filter(
      ({ visibility, authorId }) =>
        FOR_ALL.includes(visibility) || (FOR_FOLLOWERS.includes(visibility) && authorIds.has(authorId)),
    );
  }

  async function filter(posts: readonly PostRow[], context: CallContext): Promise<SeenPost[]> {
    const [rows, found] = await Promise.all([
      allowed(posts, context),
      authors.find(
        posts.map((post) => post.authorId),
        context,
      ),
    ]);
    return rows.flatMap((row) => {
      const author = found.get(row.authorId);
      return author === undefined ? [] : [{ row, author }];
    });
  }

  return {
    filter,
    async requireVisible(id, context) {
      const row = await findPost(db, id);
      const [seen] = row === undefined ? [] : await filter([row], context);
      if (seen === undefined) throw postNotFound();
      return seen;
    },
    async isAmongFollowers(authorId, context) {
      return (await followed([authorId], context)).has(authorId);
    },
  };
}
