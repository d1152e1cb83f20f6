import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page, Response } from 'playwright-core';

/** What is wrong, in words. */
type Findings = Promise<string[]>;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const all = { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } };
/** What colours alone can break. */
const ofColours = { resultTypes: ['violations'], runOnly: ['color-contrast', 'link-in-text-block'] };

const phone = { width: 360, height: 740 };
const desktop = { width: 1280, height: 800 };
export const sizes = { phone, desktop };
export const schemes = ['light', 'dark'] as const;

/** What axe-core says of a page, as it stands. */
async function violations(page: Page, rules: object): Findings {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe);
  const found: { id: string; nodes: { html: string; failureSummary: string }[] }[] = await page.evaluate(
    `axe.run(document, ${JSON.stringify(rules)}).then(({ violations }) => violations)`,
  );
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}

/**
 * On phone and desktop, light and dark: what axe-core says, and whether one would have to scroll to the side.
 * @param except rules of axe-core that what is not ours breaks
 */
export async function looks(page: Page, except: readonly string[] = []): Findings {
  const found: string[] = [];
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    const isTooWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    if (isTooWide) found.push(`${size}: it is wider than the window`);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      const rules = colorScheme === 'light' ? all : ofColours;
      const broken = (await violations(page, rules)).filter((each) => !except.includes(each.replace(/:.*/s, '')));
      found.push(...broken.map((each) => `${size}, ${colorScheme}: ${each}`));
    }
  }
  return found;
}

/** Every element that can be reached by Tab, in the order of the page; radio buttons of a group are one. */
const reachable = `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), textarea, select, summary')]
  .filter((one) => !one.disabled && one.checkVisibility())`;
const nameOf = `((one) => one === null || one === document.body ? '' : (one.id || one.name || '') + '=' + (one.value || one.textContent))`;

/** Walks over the page by Tab: everything is reached, in its order, and it is seen where one is. */
export async function focusOrder(page: Page): Findings {
  const wanted = await page.evaluate<string[]>(`${reachable}.map(${nameOf})`);
  // From the beginning, wherever the page has put the cursor.
  await page.mouse.click(1, 1);
  const found: string[] = [];
  for (const name of wanted) {
    await page.keyboard.press('Tab');
    const [focused, isSeen] = await page.evaluate<[string, boolean]>(`[${nameOf}(document.activeElement), ${seen}]`);
    if (focused !== name) return [...found, `Tab leads to ${focused} instead of ${name}`];
    if (!isSeen) found.push(`it is not seen that ${name} has the focus`);
  }
  return found;
}

/** Whether what has the focus stands in the window and has an outline. */
const seen = `(() => {
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement);
  const { left, top, right, bottom } = document.activeElement.getBoundingClientRect();
  return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && !/, 0\\)$/.test(outlineColor)
    && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
})()`;

export const hasVisibleFocus = (page: Page): Promise<boolean> => page.evaluate<boolean>(seen);

const exact: Readonly<Record<string, RegExp>> = {
  'x-content-type-options': /^nosniff$/,
  'referrer-policy': /^no-referrer$/,
  'x-frame-options': /^DENY$/,
  'cache-control': /^no-store$/,
};
const directives = [/^default-src 'none'$/, /^base-uri 'none'$/, /^frame-ancestors 'none'$/];

/** The headers that every answer must have, and those of a page. */
export async function headersOf(response: Response): Findings {
  const found: string[] = [];
  const headers = await response.headersArray();
  const values = (name: string) => headers.filter((one) => one.name.toLowerCase() === name).map(({ value }) => value);
  // What says by its path what it holds is kept by the browser.
  const isKept =
    values('content-type').some((value) => value.startsWith('text/javascript')) &&
    /-[0-9a-f]{16}\.js$/.test(response.url());
  const wanted = isKept ? { ...exact, 'cache-control': /^public, max-age=31536000, immutable$/ } : exact;
  for (const [name, pattern] of Object.entries(wanted)) {
    const [value = '', ...more] = values(name);
    if (!pattern.test(value) || more.length > 0) found.push(`${name}: ${[value, ...more].join(' and ')}`);
  }
  for (const line of values('set-cookie').flatMap((value) => value.split('\n'))) found.push(...cookie(line));
  if (!values('content-type').some((value) => value.startsWith('text/html'))) return found;
  const policy = values('content-security-policy').join('; ').split(/; ?/);
  // What only leads on has no form.
  const isShown = response.status() < 300 || response.status() >= 400;
  for (const wanted of isShown ? [...directives, /^form-action /] : directives)
    if (!policy.some((one) => wanted.test(one))) found.push(`no ${wanted} in ${policy}`);
  const lax = policy.filter((one) => /'unsafe|\*|https?:(?!\/\/)|data:/.test(one));
  if (lax.length > 0) found.push(`the policy allows ${lax}`);
  return found;
}

function cookie(line: string): string[] {
  const [pair = '', ...attributes] = line.split(/; ?/);
  const has = (pattern: RegExp) => attributes.some((one) => pattern.test(one));
  const isSafe = has(/^httponly$/i) && has(/^samesite=(lax|strict)$/i) && has(/^path=/i) && !has(/^domain=/i);
  return isSafe ? [] : [`the cookie ${pair.split('=')[0]}: ${attributes.join('; ')}`];
}
