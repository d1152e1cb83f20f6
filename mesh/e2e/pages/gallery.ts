/** Pictures of every page, to be looked at: in each language, on phone and desktop, light and dark. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openChromium, type PagePlace } from '../testing/chromium.ts';
import { startPageWorld } from '../testing/page-world.ts';
import type { Tokens, User } from '../testing/people.ts';

import { schemes, sizes } from './inspections.ts';
import { tour } from './tour.ts';

const people = [
  ['en', 'ada', 'Ada'],
  ['vi', 'mai', 'Mai'],
] as const;
const userAgent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const style =
  'body{display:flex;flex-wrap:wrap;gap:1rem;background:#888}figure{margin:0}img{max-width:30rem;display:block}';

/**
 * Takes them on a stack of its own.
 * @param folder for them, and for the page that shows them all
 * @returns their names
 */
export async function takePictures(folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const world = await startPageWorld();
  try {
    const chromium = await openChromium(world.stack.urls.frontDoor);
    const pictures: string[] = [];
    for (const person of people) pictures.push(...(await visitAs(person, { world, chromium }, folder)));
    await chromium.close();
    writeFileSync(join(folder, 'index.html'), pageOf(pictures.sort()));
    return pictures;
  } finally {
    await world.stop();
  }
}

async function visitAs(
  [locale, handle, displayName]: (typeof people)[number],
  place: PagePlace,
  folder: string,
): Promise<string[]> {
  const pictures: string[] = [];
  const look = async (name: string, page: Page) => {
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        const path = `${name}.${locale}.${size}.${colorScheme}.png`;
        await page.screenshot({ path: join(folder, path), fullPage: true, animations: 'disabled', caret: 'initial' });
        pictures.push(path);
      }
    }
  };
  const account = { handle, displayName, email: `${handle}@oxo.example`, password: 'nine red kites over the harbour' };
  const request = { method: 'POST', path: '/auth/register', body: account } as const;
  const { user, tokens } = await place.world.api.get<{ user: User; tokens: Tokens }>(request);
  const visit = await tour(place, { locale, userAgent }, { look, person: { ...account, ...user, ...tokens } });
  await visit.close();
  return pictures;
}

function pageOf(pictures: readonly string[]): string {
  const figures = pictures.map(
    (path) => `<figure><img src="${path}" loading="lazy"><figcaption>${path}</figcaption></figure>`,
  );
  return `<!doctype html><title>Pages</title><style>${style}</style>${figures.join('\n')}`;
}
