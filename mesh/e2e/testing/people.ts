import { randomBytes } from 'node:crypto';
import { readPages } from '../../local/client/pages.ts';
import type { Api } from './client.ts';

export type Tokens = { readonly accessToken: string; readonly refreshToken: string };
export type User = {
  readonly id: string;
  readonly handle: string;
  readonly displayName: string;
  readonly bio: string;
  readonly links: readonly string[];
  readonly followersCount: number;
  readonly followingCount: number;
  readonly etag: string;
  readonly relationship?: { readonly following: boolean; readonly followedBy: boolean };
};
export type Entity = {
  readonly start: number;
  readonly end: number;
  readonly mention?: { readonly userId: string };
  readonly hashtag?: { readonly tag: string };
  readonly link?: { readonly url: string };
};
export type Post = {
  readonly id: string;
  readonly text: string;
  readonly visibility: string;
  readonly entities: readonly Entity[];
  readonly etag: string;
  readonly author: Pick<User, 'id' | 'handle' | 'displayName'>;
  readonly createdAt: string;
  readonly editedAt?: string;
};
export type FeedPage = {
  readonly items: readonly { readonly post: Post; readonly reason: string }[];
  readonly nextPageToken: string;
  /** Not in the public feed. */
  readonly sinceId: string;
  readonly reset: boolean;
};

/** Somebody who signed up, with a session. */
export type Person = User & Tokens & { readonly password: string };

const maxPages = 500;

/** A handle that nobody has. */
export function newHandle(name = 'p'): string {
  return `${name}_${randomBytes(6).toString('hex')}`;
}

export async function signUp(api: Api, name?: string): Promise<Person> {
  const handle = newHandle(name);
  const password = randomBytes(12).toString('base64url');
  const body = { handle, email: `${handle}@oxo.example`, password, displayName: `Name of ${handle}` };
  const { user, tokens } = await api.get<{ user: User; tokens: Tokens }>({
    method: 'POST',
    path: '/auth/register',
    body,
  });
  return { ...user, ...tokens, password };
}

/** Several people, who sign up at the same time. */
export function signUpAll(api: Api, count: number): Promise<Person[]> {
  return Promise.all(Array.from({ length: count }, () => signUp(api)));
}

/** Another session of the same person. */
export async function logIn(api: Api, person: Person): Promise<Person> {
  const body = { identifier: person.handle, password: person.password };
  const { tokens } = await api.get<{ tokens: Tokens }>({ method: 'POST', path: '/auth/login', body });
  return { ...person, ...tokens };
}

export async function follow(api: Api, follower: Person, followee: Pick<User, 'id'>): Promise<void> {
  await api.get({ method: 'PUT', path: `/users/${followee.id}/follow`, token: follower.accessToken });
}

export async function unfollow(api: Api, follower: Person, followee: Pick<User, 'id'>): Promise<void> {
  await api.get({ method: 'DELETE', path: `/users/${followee.id}/follow`, token: follower.accessToken });
}

export async function post(api: Api, author: Person, text: string, visibility?: string): Promise<Post> {
  const request = { method: 'POST', path: '/posts', token: author.accessToken, body: { text, visibility } } as const;
  return (await api.get<{ post: Post }>(request)).post;
}

export async function edit(api: Api, author: Person, { id }: Pick<Post, 'id'>, change: object): Promise<Post> {
  const request = { method: 'PATCH', path: `/posts/${id}`, token: author.accessToken, body: change } as const;
  return (await api.get<{ post: Post }>(request)).post;
}

export async function remove(api: Api, author: Person, { id }: Pick<Post, 'id'>): Promise<void> {
  await api.get({ method: 'DELETE', path: `/posts/${id}`, token: author.accessToken });
}

/** The texts that a post has had, newest first. */
export async function revisions(api: Api, { id }: Pick<Post, 'id'>, viewer?: Person): Promise<string[]> {
  const texts: string[] = [];
  const readPage = (pageToken: string) => {
    const path = `/posts/${id}/revisions?${new URLSearchParams({ pageSize: '2', pageToken })}`;
    return api.get<{ revisions: { text: string }[]; nextPageToken: string }>({ path, token: viewer?.accessToken });
  };
  for await (const page of readPages(`the history of ${id}`, maxPages, readPage)) {
    texts.push(...page.revisions.map(({ text }) => text));
  }
  return texts;
}

/** One page. */
export function feedPage(api: Api, viewer: Person, query: Readonly<Record<string, string>> = {}): Promise<FeedPage> {
  const search = new URLSearchParams(query).toString();
  return api.get<FeedPage>({ path: `/feed${search === '' ? '' : `?${search}`}`, token: viewer.accessToken });
}

/** The whole feed, page by page, newest first as it came. */
export async function readFeed(api: Api, viewer: Person, pageSize = 100): Promise<Post[]> {
  const posts: Post[] = [];
  const readPage = (pageToken: string) => feedPage(api, viewer, { pageSize: String(pageSize), pageToken });
  for await (const { items } of readPages(`the feed of ${viewer.handle}`, maxPages, readPage)) {
    posts.push(...items.map((item) => item.post));
  }
  return posts;
}

/** The texts of the whole feed, newest first. */
export async function feedTexts(api: Api, viewer: Person, pageSize?: number): Promise<string[]> {
  return (await readFeed(api, viewer, pageSize)).map((found) => found.text);
}

/** All posts of an author as a viewer sees them, page by page. */
export async function readPosts(api: Api, author: Pick<User, 'id'>, viewer?: Person, pageSize = 100): Promise<Post[]> {
  const posts: Post[] = [];
  const readPage = (pageToken: string) => {
    const path = `/users/${author.id}/posts?${new URLSearchParams({ pageSize: String(pageSize), pageToken })}`;
    return api.get<{ posts: Post[]; nextPageToken: string }>({ path, token: viewer?.accessToken });
  };
  for await (const page of readPages(`the list of ${author.id}`, maxPages, readPage)) posts.push(...page.posts);
  return posts;
}
