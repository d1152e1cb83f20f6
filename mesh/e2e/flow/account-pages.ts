import assert from 'node:assert/strict';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import { newHandle } from '../testing/people.ts';

/** A person at our own pages, without an app. */
export const accountPages: Cases = {
  'a person makes an account at the pages, changes it there, and ends it there': async ({ api, stack }) => {
    const browser = openBrowser(stack.urls.frontDoor);
    const [handle, password] = [newHandle('page'), 'a walk along the river 17'];
    const form = await browser.open('/signup');
    const account = await browser.submit(form, {
      handle,
      password,
      email: `${handle}@oxo.example`,
      displayName: 'Page',
    });
    assert.equal(account.url.pathname, '/account', account.body);
    assert.match(account.body, new RegExp(`@${handle}`));

    const profile = await browser.submit(await browser.open('/account/profile'), { bio: 'by a page' });
    assert.match(profile.body, /role="status"/);
    const { user } = await api.get<{ user: { bio: string } }>({ path: `/users/by-handle/${handle}` });
    assert.equal(user.bio, 'by a page');

    const login = { method: 'POST' as const, path: '/auth/login', body: { identifier: handle, password } };
    const { tokens } = await api.get<{ tokens: { accessToken: string } }>(login);
    const sessions = { path: '/auth/sessions', token: tokens.accessToken };
    const { sessions: listed } = await api.get<{ sessions: unknown[] }>(sessions);
    assert.equal(listed.length, 2);

    const gone = await browser.submit(await browser.open('/account/delete'), { sure: 'yes' });
    assert.match(gone.body, /Your account is deleted/);
    assert.equal((await browser.open('/account')).url.pathname, '/signin');
    assert.equal((await api.call(sessions)).status, 401);
    assert.equal((await api.call(login)).status, 401);
  },
};
