import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { CliError } from '../cli/cli-error.ts';

const requestTimeoutMs = 5_000;
const visibleTimeoutMs = 15_000;
const pollMs = 20;

/** An account that is made through the front door at its first use. */
export type Account = { readonly handle: string; readonly displayName: string; readonly password: string };

export type SignedIn = { readonly userId: string; readonly accessToken: string };

/** Visible to nobody but each other: their posts are for followers only, and are deleted again. */
const checkAccounts = {
  author: { handle: 'oxo_check_author', displayName: 'Ready check (author)' },
  reader: { handle: 'oxo_check_reader', displayName: 'Ready check (reader)' },
};

const signedInSchema = z.object({ user: z.object({ id: z.string() }), tokens: z.object({ accessToken: z.string() }) });
const postSchema = z.object({ post: z.object({ id: z.string() }) });
const feedSchema = z.object({ items: z.array(z.object({ post: z.object({ id: z.string() }) })).default([]) });

/**
 * Makes one post through the front door, and sees it in a follower's feed through the front door.
 * @param frontDoor without a slash at the end
 * @param password of the two accounts that do it
 * @returns milliseconds from the answer to the post until it was seen
 * @throws CliError that names the request which failed
 */
export async function checkFlow(frontDoor: string, password: string): Promise<number> {
  const author = await signIn(frontDoor, { ...checkAccounts.author, password });
  const reader = await signIn(frontDoor, { ...checkAccounts.reader, password });
  await call(frontDoor, 'PUT', `/users/${author.userId}/follow`, { token: reader.accessToken });
  const body = { text: 'Is everything ready?', visibility: 'FOLLOWERS' };
  const created = await call(frontDoor, 'POST', '/posts', { token: author.accessToken, body, expected: [201] });
  const postId = postSchema.parse(created.body).post.id;
  const createdAtMs = performance.now();
  try {
    await untilSeen(frontDoor, reader, postId);
    return Math.round(performance.now() - createdAtMs);
  } finally {
    await call(frontDoor, 'DELETE', `/posts/${postId}`, { token: author.accessToken, expected: [204] });
  }
}

/** Signs an account in; registers it when it does not exist. */
export async function signIn(frontDoor: string, account: Account): Promise<SignedIn> {
  const credentials = { identifier: account.handle, password: account.password };
  const login = await call(frontDoor, 'POST', '/auth/login', { body: credentials, expected: [200, 401] });
  const answer = login.status === 200 ? login : await registerOrSignIn(frontDoor, account, credentials);
  const { user, tokens } = signedInSchema.parse(answer.body);
  return { userId: user.id, accessToken: tokens.accessToken };
}

/** Another `up` at the same time may have made the account in between. */
async function registerOrSignIn(frontDoor: string, account: Account, credentials: object): Promise<Answer> {
  const { handle, displayName, password } = account;
  const body = { handle, displayName, password, email: `${handle}@oxo.example` };
  const made = await call(frontDoor, 'POST', '/auth/register', { body, expected: [201, 409] });
  return made.status === 201 ? made : call(frontDoor, 'POST', '/auth/login', { body: credentials });
}

async function untilSeen(frontDoor: string, reader: SignedIn, postId: string): Promise<void> {
  const deadline = performance.now() + visibleTimeoutMs;
  while (performance.now() < deadline) {
    const feed = await call(frontDoor, 'GET', '/feed?pageSize=20', { token: reader.accessToken });
    if (feedSchema.parse(feed.body).items.some((item) => item.post.id === postId)) return;
    await delay(pollMs);
  }
  throw new CliError(`a post was not in its follower's feed within ${visibleTimeoutMs} ms`, {
    advice: ['./oxo status shows whether events wait (outbox age, consumer lag), ./oxo logs feed why.'],
  });
}

type Answer = { readonly status: number; readonly body: unknown };
type Request = { readonly token?: string; readonly body?: unknown; readonly expected?: readonly number[] };

async function call(frontDoor: string, method: string, path: string, request: Request): Promise<Answer> {
  const { token, body, expected = [200] } = request;
  const response = await fetch(`${frontDoor}/api/v1${path}`, {
    method,
    signal: AbortSignal.timeout(requestTimeoutMs),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!expected.includes(response.status)) {
    throw new CliError(`${method} /api/v1${path} answered ${response.status}, not ${expected.join(' or ')}`, {
      advice: [text.slice(0, 500)],
    });
  }
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
