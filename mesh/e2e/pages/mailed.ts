import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { mailsTo } from '../testing/mails.ts';
import { newHandle, signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';
import { firstButton, pathOf, press, signIn, submit } from './forms.ts';

/** The link to this page in a mail to an address, once it is there. */
async function linkTo(world: World, path: string, address: string): Promise<string> {
  const links = new RegExp(`https?:\\S+${path}\\?token=[\\w-]+`, 'g');
  let link: string | undefined;
  await until(`a mail to ${address} leads to ${path}`, async () => {
    const texts = (await mailsTo(world, address)).map(({ text }) => text);
    link = texts.join('\n').match(links)?.at(-1);
    return link !== undefined;
  });
  return link ?? assert.fail();
}

const browser = { javaScriptEnabled: false };

/** Pages to which mails lead, from mails that were caught. */
export const mailed: Cases<PagePlace> = {
  'an address is confirmed by the link of its mail, and the link alone does nothing': async ({ world, chromium }) => {
    const { page, assertQuiet, close } = await chromium.visit(browser);
    const handle = newHandle();
    const email = `${handle}@oxo.example`;
    const password = 'nine red kites over the harbour';
    await page.goto('/signup');
    await submit(page, { handle, email, password });
    const link = await linkTo(world, '/verify', email);
    const other = await chromium.visit(browser);
    await other.page.goto(link);
    assert.equal(pathOf(other.page), '/verify');
    assert.equal(new URL(other.page.url()).search, '', 'the secret does not stay in the address');
    const isKnown = async () => {
      const { page: third, close: leave } = await chromium.visit(browser);
      await third.goto('/signin');
      await signIn(third, { handle: email, password });
      const isIn = pathOf(third) !== '/signin';
      await leave();
      return isIn;
    };
    assert.equal(await isKnown(), false, 'nobody has said yet that it is theirs');
    await press(firstButton(other.page));
    assert.ok(await other.page.locator('[role=status]').isVisible());
    assert.equal(await isKnown(), true);
    await other.page.goto(`${link.slice(0, -4)}AAAA`);
    await press(firstButton(other.page));
    assert.ok(await other.page.locator('[role=alert]').isVisible());
    for (const each of [assertQuiet, other.assertQuiet]) each();
    await other.close();
    await close();
  },

  'a password that was forgotten is replaced by a mail, and what was signed in before is so no more': async ({
    world,
    chromium,
  }) => {
    const person = await signUp(world.api);
    const email = `${person.handle}@oxo.example`;
    const old = await chromium.visit(browser);
    await old.page.goto(await linkTo(world, '/verify', email));
    await press(firstButton(old.page));
    await old.page.goto('/account');
    await signIn(old.page, person);
    assert.equal(pathOf(old.page), '/account');

    const { page, assertQuiet, close } = await chromium.visit(browser);
    await page.goto('/signin');
    await press(page.locator('a[href^="/forgot"]'));
    await submit(page, { email });
    assert.ok(await page.locator('[role=status]').isVisible());
    const link = await linkTo(world, '/reset', email);
    await page.goto(link);
    await submit(page, { password: '1111111111' });
    assert.equal(await page.locator('#password').getAttribute('aria-invalid'), 'true');
    const password = 'eleven herons by the river';
    await submit(page, { password });
    assert.ok(await page.locator('[role=status]').isVisible());
    await page.goto('/signin');
    await signIn(page, person);
    assert.equal(pathOf(page), '/signin', 'the former one is worth nothing');
    await signIn(page, { ...person, password });
    assert.equal(pathOf(page), '/account');
    await old.page.goto('/account');
    assert.equal(pathOf(old.page), '/signin');
    await page.goto(link);
    await submit(page, { password: 'twelve herons by the river' });
    assert.ok(await page.locator('[role=alert]').isVisible(), 'the link works once');
    for (const each of [assertQuiet, old.assertQuiet]) each();
    await old.close();
    await close();
  },
};
