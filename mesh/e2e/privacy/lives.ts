import { codeOf } from '../../../services/auth/testing/authenticator-app.ts';
import { type CaughtMail, mailsTo, tokenIn } from '../testing/mails.ts';
import { callback, challengeOf, codeRequest, postAs, redeem, tokensIn } from '../testing/oauth.ts';
import { formOf } from './fields.ts';
import type { Teller } from './teller.ts';

/** Somebody whose every text is marked. */
export type Told = {
  readonly id: string;
  readonly handle: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
};

type Session = {
  readonly user: { readonly id: string };
  readonly tokens: { readonly accessToken: string; readonly refreshToken: string };
};

/** Registers, and confirms the address by the mail. */
export async function register(teller: Teller): Promise<Told> {
  const { marks, api } = teller;
  const made = (field: string) => formOf(field, marks.make(`a person's ${field}`));
  const [handle, email, password] = [made('handle'), made('email'), made('password')];
  const person = { handle, email, password, displayName: made('displayName') };
  const { user, tokens } = await api<Session>('POST', '/auth/register', undefined, person);
  await api('POST', '/auth/email:verify', undefined, { token: await mailedToken(teller, email, 1) });
  return { id: user.id, handle, email, password, token: tokens.accessToken };
}

/** The secret of the mail that is the last of so many to an address. */
async function mailedToken({ world, marks }: Teller, email: string, count: number): Promise<string> {
  const mails = await mailsTo(world, email, count);
  const token = tokenIn(mails[count - 1] as CaughtMail);
  marks.remember('the token of a mail', token);
  return token;
}

/** What people do with an account: signs in, forgets the password, changes it and the address, sets up a second step. */
export async function liveWithAccount(teller: Teller): Promise<void> {
  const { api, marks } = teller;
  const person = await register(teller);
  const again = formOf('password', marks.make('the password that was chosen again'));
  const { tokens } = await api<Session>('POST', '/auth/login', undefined, {
    identifier: person.email,
    password: person.password,
  });
  await api('POST', '/auth/refresh', undefined, { refreshToken: tokens.refreshToken });
  await teller.send('/api/v1/auth/login', {
    json: { identifier: person.handle, password: marks.make('a wrong password') },
  });
  await api('POST', '/auth/password:forgot', undefined, { email: person.email });
  // The second is about the new device.
  const resets = await resetTokenOf(teller, person.email);
  await api('POST', '/auth/password:reset', undefined, { token: resets, password: again });
  const session = await api<Session>('POST', '/auth/login', undefined, { identifier: person.handle, password: again });
  const token = session.tokens.accessToken;
  await api('POST', '/auth/email', token, { email: formOf('email', marks.make('another address')) });
  await secondStep(teller, token, { identifier: person.handle, password: again });
  await api('POST', '/auth/password', token, { currentPassword: again, newPassword: person.password });
  for (const path of ['/auth/account', '/auth/sessions', '/users/me', '/auth/mfa'])
    await teller.send(`/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
}

async function resetTokenOf(teller: Teller, email: string): Promise<string> {
  for (let count = 2; ; count += 1) {
    const mails = await mailsTo(teller.world, email, count);
    const reset = mails.find(({ text }) => text.includes('/reset?token='));
    if (reset === undefined) continue;
    const token = tokenIn(reset);
    teller.marks.remember('the token of a reset', token);
    return token;
  }
}

async function secondStep({ api, marks, send }: Teller, token: string, login: object): Promise<void> {
  const { secret } = await api<{ secret: string }>('POST', '/auth/mfa/totp', token, {});
  const otp = codeOf(secret, Date.now());
  marks.remember('a code of an authenticator app', otp);
  const { recoveryCodes } = await api<{ recoveryCodes: string[] }>('POST', '/auth/mfa/totp:confirm', token, { otp });
  await send('/api/v1/auth/login', { json: { ...login, otp } });
  await send('/api/v1/auth/login', { json: { ...login, otp: recoveryCodes[0] } });
  await send('/api/v1/auth/login', { json: { ...login, otp: recoveryCodes[0] } });
  await api('POST', '/auth/mfa/recovery-codes', token, {});
  await send('/api/v1/auth/passkeys:begin', { json: {}, headers: { authorization: `Bearer ${token}` } });
  await send('/api/v1/auth/passkeys:begin-sign-in', { json: {} });
  await api('DELETE', '/auth/mfa/totp', token);
}

/** Posts, edits, follows, reads, deletes; keys; what is there twice. */
export async function liveWithPosts(teller: Teller, author: Told, follower: Told): Promise<void> {
  const { api, marks, send } = teller;
  const text = (what: string) => formOf('text', marks.make(what));
  await api('PATCH', '/users/me', author.token, {
    ...{ displayName: text('a name').slice(0, 60), bio: text('a bio'), location: marks.make('a place') },
    links: { values: [formOf('links', marks.make('a link'))] },
  });
  await api('PUT', `/users/${author.id}/follow`, follower.token);
  const { post } = await api<{ post: { id: string } }>('POST', '/posts', author.token, { text: text('a post') });
  await api('PATCH', `/posts/${post.id}`, author.token, { text: text('an edited post') });
  await api('GET', '/feed', follower.token);
  await api('GET', `/users/by-handle/${author.handle}`, follower.token);
  await api('GET', `/posts/${post.id}/revisions`, follower.token);
  await api('DELETE', `/posts/${post.id}`, author.token);
  await api('DELETE', `/users/${author.id}/follow`, follower.token);
  const { apiKey, secret } = await api<{ apiKey: { id: string }; secret: string }>('POST', '/api-keys', author.token, {
    ...{ name: marks.make('the name of a key'), scopes: ['feed:read'] },
  });
  await send('/api/v1/feed', { headers: { 'x-api-key': secret } });
  await send('/api/v1/feed', { headers: { 'x-api-key': `${secret.slice(0, -4)}AAAA` } });
  await api('POST', `/api-keys/${apiKey.id}:rotate`, author.token, { overlapSeconds: 0 });
  await twice(teller, author);
}

/** What the unique keys of the tables refuse. */
async function twice({ marks, send }: Teller, { token, handle, email }: Told): Promise<void> {
  const register = { handle, email, password: marks.make('the password of a twin'), displayName: marks.make('a twin') };
  await Promise.all([1, 2].map(() => send('/api/v1/auth/register', { json: register })));
  const twin = { ...register, handle: marks.make('a handle twice') };
  await Promise.all([1, 2, 3].map(() => send('/api/v1/auth/register', { json: twin })));
  const key = marks.make('a key of idempotency');
  const post = () => ({
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': key },
    json: { text: marks.make('a post of a key') },
  });
  await Promise.all([1, 2].map(() => send('/api/v1/posts', post())));
}

/** An app of somebody else, from its registration to the last token. */
export async function liveWithApps(teller: Teller, person: Told): Promise<void> {
  const { marks, send, world } = teller;
  const grants = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
  const registration = {
    client_name: `App ${marks.make('the name of an app')}`,
    redirect_uris: [callback],
    grant_types: grants,
  };
  const made = JSON.parse((await send('/oauth/register', { json: registration })).body) as {
    client_id: string;
    client_secret: string;
  };
  const client = { id: made.client_id, secret: made.client_secret, redirectUri: callback };
  const browser = teller.browser();
  const asked = codeRequest(client, {
    state: marks.make('state'),
    nonce: marks.make('nonce'),
    login_hint: marks.make('login_hint'),
  });
  marks.remember('a verifier', asked.verifier);
  marks.remember('a challenge', challengeOf(asked.verifier));
  const signIn = teller.noteShown(await browser.open(asked.path), browser);
  const wrong = await browser.submit(signIn, {
    identifier: person.handle,
    password: marks.make('a wrong password of a page'),
  });
  const consent = teller.noteShown(
    await browser.submit(teller.noteShown(wrong, browser), { identifier: person.handle, password: person.password }),
    browser,
  );
  const { url } = teller.noteShown(
    await browser.submit(consent, { scope: ['posts:read', 'offline_access'] }, 'Allow'),
    browser,
  );
  const code = url.searchParams.get('code') ?? '';
  const answer = await postAs(world, client, '/oauth/token', redeem(client, { code, verifier: asked.verifier }));
  const tokens = tokensIn(answer);
  for (const [name, value] of Object.entries(tokens)) if (name.endsWith('_token')) marks.remember(name, value);
  const form = (path: string, fields: Record<string, string>) =>
    send(path, { form: { client_id: client.id, client_secret: client.secret, ...fields } });
  await form('/oauth/token', redeem(client, { code, verifier: asked.verifier }));
  await form('/oauth/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
  await form('/oauth/token', { grant_type: 'refresh_token', refresh_token: marks.make('a wrong refresh token') });
  await form('/oauth/token', {
    grant_type: 'authorization_code',
    code: marks.make('a wrong code'),
    code_verifier: marks.make('verifier'),
    redirect_uri: callback,
  });
  await form('/oauth/introspect', { token: tokens.access_token });
  await form('/oauth/introspect', { token: marks.make('a wrong token') });
  await form('/oauth/device', { scope: 'openid posts:read' });
  await form('/oauth/token', { grant_type: grants[2] as string, device_code: marks.make('a wrong device code') });
  await send('/oauth/token', {
    form: {
      client_id: client.id,
      client_secret: marks.make('a wrong client secret'),
      grant_type: 'client_credentials',
    },
  });
  await send('/oauth/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } });
  await send('/oauth/userinfo', { headers: { authorization: `Bearer ${marks.make('a wrong access token')}` } });
  await send(
    `/oauth/logout?${new URLSearchParams({ id_token_hint: tokens.id_token, state: marks.make('state of a sign-out') })}`,
  );
  await form('/oauth/revoke', { token: tokens.refresh_token });
}
