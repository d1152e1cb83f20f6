import { z } from 'zod';
import type { ApiClient } from './api-client.ts';

export type Session = {
  readonly userId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** By performance.now(). */
  readonly expiresAtMs: number;
};

/** Who may see a post. */
export type Visibility = 'PUBLIC' | 'FOLLOWERS';

/** An item as it came out of a feed. */
export type FeedItem = {
  readonly id: string;
  readonly authorId: string;
  readonly text: string;
  readonly visibility: Visibility | string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly edited: boolean;
  readonly reason: string;
};

export type CreatedPost = { readonly id: string; readonly createdAtMs: number };
export type FeedPage = { readonly items: readonly FeedItem[]; readonly nextPageToken: string };

const tokens = z.object({ accessToken: z.string(), refreshToken: z.string(), expiresIn: z.number() });
const signedIn = z.object({ user: z.object({ id: z.string() }), tokens });
const refreshed = z.object({ tokens });
const time = z.string().transform((text) => Date.parse(text));
const issuedKey = z.object({ secret: z.string() });
const post = z.object({ post: z.object({ id: z.string(), createdAt: time, text: z.string() }) });
const feed = z.object({
  items: z
    .array(
      z.object({
        reason: z.string(),
        post: z.object({
          id: z.string(),
          author: z.object({ id: z.string() }),
          text: z.string(),
          visibility: z.string(),
          createdAt: time,
          editedAt: z.string().nullish(),
        }),
      }),
    )
    .default([]),
  nextPageToken: z.string().default(''),
});

/** The requests that people make, as functions. Each rejects with CliError when the answer is not as it should be. */
export type Api = {
  /** @returns the key, which is shown this once */
  readonly createApiKey: (token: string, name: string, scopes: readonly string[]) => Promise<string>;
  readonly signUp: (handle: string, displayName: string, password: string) => Promise<Session>;
  /** Also by who has a session already: it is another one. */
  readonly signIn: (handle: string, password: string) => Promise<Session>;
  readonly refresh: (session: Session) => Promise<Session>;
  readonly follow: (token: string, userId: string) => Promise<void>;
  readonly unfollow: (token: string, userId: string) => Promise<void>;
  /** @param key Idempotency-Key, so that a repetition does not make a second post */
  readonly createPost: (token: string, text: string, visibility: Visibility, key: string) => Promise<CreatedPost>;
  readonly editPost: (token: string, postId: string, text: string) => Promise<void>;
  readonly deletePost: (token: string, postId: string) => Promise<void>;
  /** @param pageSize absent: the API's own default */
  readonly readFeed: (token: string, pageSize?: number, pageToken?: string) => Promise<FeedPage>;
};

export function createApi({ call }: ApiClient): Api {
  const signIn = async (handle: string, password: string): Promise<Session> => {
    const body = { identifier: handle, password };
    return sessionOf((await call({ method: 'POST', path: '/auth/login', body, repeatable: true })).body);
  };
  return {
    signIn,
    createApiKey: async (token, name, scopes) => {
      const { body } = await call({
        method: 'POST',
        path: '/api-keys',
        token,
        body: { name, scopes },
        expected: [201],
      });
      return issuedKey.parse(body).secret;
    },
    signUp: async (handle, displayName, password) => {
      const body = { handle, displayName, password, email: `${handle}@demo.oxo.example` };
      const request = { method: 'POST', path: '/auth/register', body, expected: [201, 409], repeatable: true } as const;
      const answer = await call(request);
      if (answer.status === 201) return sessionOf(answer.body);
      // Taken by ourselves, in an attempt whose answer was lost; if not, the password is wrong and this rejects.
      return signIn(handle, password);
    },
    refresh: async ({ userId, refreshToken }) => {
      // The token before works once more for ten seconds, so a lost answer does no harm.
      const body = { refreshToken };
      const answer = await call({ method: 'POST', path: '/auth/refresh', body, repeatable: true });
      return { userId, ...sessionTokens(refreshed.parse(answer.body).tokens) };
    },
    follow: async (token, userId) => {
      await call({ method: 'PUT', path: `/users/${userId}/follow`, token });
    },
    unfollow: async (token, userId) => {
      await call({ method: 'DELETE', path: `/users/${userId}/follow`, token, expected: [204] });
    },
    createPost: async (token, text, visibility, key) => {
      const body = { text, visibility };
      const request = { method: 'POST', path: '/posts', token, body, idempotencyKey: key, expected: [201] } as const;
      const created = post.parse((await call(request)).body).post;
      return { id: created.id, createdAtMs: created.createdAt };
    },
    editPost: async (token, postId, text) => {
      await call({ method: 'PATCH', path: `/posts/${postId}`, token, body: { text }, repeatable: true });
    },
    deletePost: async (token, postId) => {
      // 404: an attempt whose answer was lost has done it.
      const answer = await call({ method: 'DELETE', path: `/posts/${postId}`, token, expected: [204, 404] });
      if (answer.status === 404 && answer.attempts === 1) throw new Error(`${postId} was not there to be deleted`);
    },
    readFeed: async (token, pageSize, pageToken = '') => {
      const query = new URLSearchParams();
      if (pageSize !== undefined) query.set('pageSize', String(pageSize));
      if (pageToken !== '') query.set('pageToken', pageToken);
      const page = feed.parse((await call({ method: 'GET', path: `/feed?${query}`, token })).body);
      return { items: page.items.map(toItem), nextPageToken: page.nextPageToken };
    },
  };
}

function toItem({ post, reason }: z.infer<typeof feed>['items'][number]): FeedItem {
  const { id, text, visibility, createdAt, editedAt, author } = post;
  const edited = editedAt !== undefined && editedAt !== null;
  return { id, text, visibility, reason, authorId: author.id, createdAtMs: createdAt, edited };
}

function sessionOf(body: unknown): Session {
  const { user, tokens } = signedIn.parse(body);
  return { userId: user.id, ...sessionTokens(tokens) };
}

function sessionTokens({ accessToken, refreshToken, expiresIn }: z.infer<typeof tokens>): Omit<Session, 'userId'> {
  return { accessToken, refreshToken, expiresAtMs: performance.now() + expiresIn * 1_000 };
}
