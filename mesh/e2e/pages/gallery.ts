/**
 * Pictures of every page, to be looked at: in each language, on phone and desktop, light and dark.
 *
 *     node mesh/e2e/pages/gallery.ts [folder]     starts a stack of its own; the folder is .oxo/gallery when none is named
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { repositoryRoot } from '../../local/settings.ts';
import { openChromium } from '../testing/chromium.ts';
import type { Tokens, User } from '../testing/people.ts';
import { startWorld } from '../testing/world.ts';
import { schemes, sizes } from './inspections.ts';
import { tour } from './tour.ts';

const people = [
  ['en', 'ada', 'Ada'],
  ['vi', 'mai', 'Mai'],
] as const;
const userAgent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const folder = process.argv[2] ?? join(repositoryRoot, '.oxo/gallery');
mkdirSync(folder, { recursive: true });
const world = await startWorld();
const chromium = await openChromium(world.stack.urls.frontDoor);
const pictures: string[] = [];
for (const [locale, handle, displayName] of people) {
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
  const { user, tokens } = await world.api.get<{ user: User; tokens: Tokens }>(request);
  const person = { ...account, ...user, ...tokens };
  const visit = await tour({ world, chromium }, { locale, userAgent }, { look, person });
  await visit.close();
}
const figure = (path: string) => `<figure><img src="${path}" loading="lazy"><figcaption>${path}</figcaption></figure>`;
const style =
  'body{display:flex;flex-wrap:wrap;gap:1rem;background:#888}figure{margin:0}img{max-width:30rem;display:block}';
writeFileSync(
  join(folder, 'index.html'),
  `<!doctype html><title>Pages</title><style>${style}</style>${pictures.sort().map(figure).join('\n')}`,
);
await chromium.close();
await world.stop();
process.stdout.write(`${pictures.length} pictures: ${join(folder, 'index.html')}\n`);
