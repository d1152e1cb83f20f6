import assert from 'node:assert/strict';
import type { Page, Response } from 'playwright-core';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { focusOrder, headersOf, looks } from './inspections.ts';
import { tour } from './tour.ts';

/** What must be true of every page, in each language. */
export const everyPage: Cases<PagePlace> = Object.fromEntries(
  ['en', 'vi'].map((locale) => [
    `${locale}: each is accessible, has the right headers, and asks nobody else`,
    async (place: PagePlace) => {
      const ours = place.world.stack.urls.frontDoor;
      const found: string[] = [];
      const answers: Response[] = [];
      const look = async (name: string, page: Page) => {
        const language = await page.locator('html').getAttribute('lang');
        if (language !== locale) found.push(`${name}: is in ${language}`);
        const problems = [...(await looks(page)), ...(await focusOrder(page))];
        found.push(...problems.map((each) => `${name}: ${each}`));
      };
      const visit = await tour(place, { locale }, { look, hear: (response) => answers.push(response) });
      for (const response of answers.filter((each) => new URL(each.url()).origin === ours)) {
        found.push(...(await headersOf(response)).map((each) => `${response.url()}: ${each}`));
      }
      assert.deepEqual(found, []);
      assert.ok(answers.length > 30);
      visit.assertQuiet();
      await visit.close();
    },
  ]),
);
