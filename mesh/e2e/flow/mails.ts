import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { mailsTo, tokenIn } from '../testing/mails.ts';
import { newHandle, signUp, type Tokens, type User } from '../testing/people.ts';
import { requireRevokedEverywhere, revocationMs } from './sessions.ts';

/** What is sent to people, as it arrives. */
export const mails: Cases = {
  'who registers gets a mail, confirms the address by it, and signs in by it': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const email = `${person.handle}@oxo.example`;
    const login = {
      method: 'POST',
      path: '/auth/login',
      body: { identifier: email, password: person.password },
    } as const;
    assert.equal((await refusal(api, login)).reason, 'CREDENTIALS_INVALID');
    const [mail] = await mailsTo(world, email);
    const token = tokenIn(mail ?? assert.fail());
    assert.ok(mail?.text.includes(`${world.stack.publicUrl}/verify?token=${token}`));
    const verify = { method: 'POST', path: '/auth/email:verify', body: { token } } as const;
    assert.deepEqual((await api.call(verify)).body, {});
    assert.equal((await api.get<{ user: User }>(login)).user.id, person.id);
    const wrong = await refusal(api, { ...verify, body: { token: `${token.slice(0, -4)}AAAA` } });
    assert.deepEqual([wrong.status, wrong.reason], [401, 'EMAIL_TOKEN_INVALID']);
  },

  'who has forgotten the password chooses another one by a mail, and whoever was signed in is so no more': async (
    world,
  ) => {
    const { api } = world;
    const person = await signUp(api);
    const email = `${person.handle}@oxo.example`;
    const post = (path: string, body: object, token?: string) => ({ method: 'POST', path, body, token }) as const;
    const [confirmation] = await mailsTo(world, email);
    await api.get(post('/auth/email:verify', { token: tokenIn(confirmation ?? assert.fail()) }));
    assert.equal((await api.call(post('/auth/password:forgot', { email: `nobody_${email}` }))).status, 202);
    assert.equal((await api.call(post('/auth/password:forgot', { email }))).status, 202);
    const [, reset] = await mailsTo(world, email, 2);
    const token = tokenIn(reset ?? assert.fail());
    const password = 'another password of mine';
    await api.get(post('/auth/password:reset', { token, password }));
    assert.equal(
      (await refusal(api, post('/auth/password:reset', { token, password }))).reason,
      'PASSWORD_RESET_INVALID',
    );
    await until('all services refuse', () => requireRevokedEverywhere(world, person).then(() => true), revocationMs);
    const login = (word: string) => post('/auth/login', { identifier: email, password: word });
    assert.equal((await refusal(api, login(person.password))).reason, 'CREDENTIALS_INVALID');
    const { tokens } = await api.get<{ tokens: Tokens }>(login(password));

    const again = { currentPassword: password, newPassword: person.password };
    await api.get(post('/auth/password', again, tokens.accessToken));
    const changed = `new_${email}`;
    await api.get(post('/auth/email', { email: changed }, tokens.accessToken));
    assert.equal((await api.call(post('/auth/email:resend', {}, tokens.accessToken))).status, 202);
    const [, asked] = await mailsTo(world, changed, 2);
    await api.get(post('/auth/email:verify', { token: tokenIn(asked ?? assert.fail()) }));
    type Account = { email: string; emailVerified: boolean; pendingEmail: string };
    const { account } = await api.get<{ account: Account }>({ path: '/auth/account', token: tokens.accessToken });
    assert.deepEqual([account.email, account.emailVerified, account.pendingEmail], [changed, true, '']);
    const notices = ['Your password was changed', 'Your email address was changed'];
    await until('the notices', async () => {
      const subjects = (await mailsTo(world, email)).map(({ subject }) => subject);
      return notices.every((notice) => subjects.includes(notice));
    });
  },

  'mails are in the language of the request': async (world) => {
    const handle = newHandle();
    const email = `${handle}@oxo.example`;
    const body = { handle, email, password: 'a password of mine', displayName: '' };
    const headers = { 'accept-language': 'vi-VN,vi;q=0.9' };
    await world.api.get({ method: 'POST', path: '/auth/register', body, headers });
    assert.match((await mailsTo(world, email))[0]?.subject ?? '', /^Xác nhận/);
  },
};
