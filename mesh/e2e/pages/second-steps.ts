import assert from 'node:assert/strict';
import { codeOf } from '../../../services/auth/testing/authenticator-app.ts';
import { enrol } from '../flow/mfa.ts';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { signUp } from '../testing/people.ts';
import { startApp } from '../testing/third-party-app.ts';
import { decide, pathOf, signIn, submit } from './forms.ts';

/** The step of an authenticator app: what has confirmed it is used up. */
const nextMs = 30_000;

/** Sign-ins of people who want more than a password. */
export const secondSteps: Cases<PagePlace> = {
  'a password alone leads to the question for a code, and the code to the app, which is told': async ({
    world,
    chromium,
  }) => {
    const person = await signUp(world.api);
    const { secret, recoveryCodes } = await enrol(world.api, person);
    const app = await startApp(world);
    const codes = [() => codeOf(secret, Date.now() + nextMs), () => recoveryCodes[0] ?? assert.fail()];
    for (const code of codes) {
      const { page, assertQuiet, close } = await chromium.visit({ javaScriptEnabled: false, leadsTo: [app.origin] });
      const asked = await app.ask('openid feed:read');
      await page.goto(asked.address);
      await signIn(page, person);
      assert.equal(pathOf(page), '/signin');
      assert.equal(await page.locator('#otp').getAttribute('autocomplete'), 'one-time-code');
      await submit(page, { password: person.password, otp: '000000' });
      assert.ok(await page.locator('[role=alert]').isVisible());
      assert.equal(pathOf(page), '/signin');
      await submit(page, { password: person.password, otp: code() });
      assert.equal(pathOf(page), '/consent');
      await decide(page, 'allow');
      const amr = (await asked.tokens(page.url())).claims()?.amr;
      assert.ok(Array.isArray(amr) && amr.includes('mfa'), `${amr}`);
      assertQuiet();
      await close();
    }
    app.close();
  },
};
