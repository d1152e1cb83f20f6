import type { Locator, Page } from 'playwright-core';
import type { Person } from '../testing/people.ts';

/** Presses a button or follows a link, and waits for the page to which it leads: also without scripts. */
export async function press(button: Locator): Promise<void> {
  await Promise.all([button.page().waitForEvent('domcontentloaded'), button.click()]);
}

/** The first button of the page's own form. */
export const firstButton = (page: Page): Locator => page.locator('main form button').first();

/** Fills fields by their names, and sends the form. */
export async function submit(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(fields)) await page.locator(`main [name="${name}"]`).fill(value);
  await press(firstButton(page));
}

export const signIn = (page: Page, { handle, password }: Pick<Person, 'handle' | 'password'>): Promise<void> =>
  submit(page, { identifier: handle, password });

export const decide = (page: Page, decision: 'allow' | 'deny'): Promise<void> =>
  press(page.locator(`button[name=decision][value=${decision}]`));

export const pathOf = (page: Page): string => new URL(page.url()).pathname;

/** What a page says, without what stands around every page. */
export const textOf = async (page: Page): Promise<string> => (await page.locator('main').textContent()) ?? '';
