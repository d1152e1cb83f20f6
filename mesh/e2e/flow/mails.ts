import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { mailsTo, tokenIn } from '../testing/mails.ts';
import { newHandle, signUp, type User } from '../testing/people.ts';

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

  'mails are in the language of the request': async (world) => {
    const handle = newHandle();
    const email = `${handle}@oxo.example`;
    const body = { handle, email, password: 'a password of mine', displayName: '' };
    const headers = { 'accept-language': 'vi-VN,vi;q=0.9' };
    await world.api.get({ method: 'POST', path: '/auth/register', body, headers });
    assert.match((await mailsTo(world, email))[0]?.subject ?? '', /^Xác nhận/);
  },
};
