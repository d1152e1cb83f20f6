import assert from 'node:assert/strict';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { chromium as chromiumPart, ensureAptPart } from '../../local/parts/apt.ts';
import { readCacheDir } from '../../local/settings.ts';
import type { World } from './world.ts';

/** A real Chromium, for tests of pages. */
export type Chromium = {
  /** A browser in which nobody has been yet: a person, on a device of their own. Its pages are watched. */
  readonly visit: (options?: VisitOptions) => Promise<Visit>;
  readonly close: () => Promise<void>;
};

/** What a browser is like, and the origins of others to which our pages may lead a person in the end. */
export type VisitOptions = BrowserContextOptions & { readonly leadsTo?: readonly string[] };

export type Visit = {
  readonly context: BrowserContext;
  /** The first page; others may be opened in the context. */
  readonly page: Page;
  /**
   * Fails when a page has asked another origin than ours for anything, has met the policy of a page, or an error of a script. What was seen is
   * forgotten then.
   */
  readonly assertQuiet: () => void;
  readonly close: () => Promise<void>;
};

/** What tests of pages have: a stack, and a Chromium that may ask its front door. */
export type PagePlace = { readonly world: World; readonly chromium: Chromium };

const timeoutMs = 60_000;

/**
 * Starts a Chromium: the machine's, or Debian's out of the cache (fetched when it is not there, which takes a minute or two).
 * @param origin what pages may ask, such as `world.stack.urls.frontDoor`
 */
export async function openChromium(origin: string): Promise<Chromium> {
  const { program, env } = await ensureAptPart(readCacheDir(process.env), chromiumPart);
  const browser = await chromium.launch({
    executablePath: program,
    env: { ...(process.env as Record<string, string>), ...env },
    // It opens nothing but pages of ours; within containers there is neither what its sandbox needs nor much shared memory.
    chromiumSandbox: false,
    args: ['--disable-dev-shm-usage'],
    timeout: timeoutMs,
  });
  return { visit: (options) => visit(browser, origin, options), close: () => browser.close() };
}

async function visit(
  browser: Browser,
  origin: string,
  { leadsTo = [], ...options }: VisitOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ baseURL: origin, ...options });
  context.setDefaultTimeout(timeoutMs);
  const seen: string[] = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin === new URL(origin).origin || url.protocol === 'data:') return;
    const isArrival = request.isNavigationRequest() && leadsTo.includes(url.origin);
    // The browser's own question, of whatever site it shows.
    const isIcon = leadsTo.includes(url.origin) && url.pathname === '/favicon.ico';
    if (!isArrival && !isIcon) seen.push(`a request to ${request.url()}`);
  });
  context.on('weberror', (error) => seen.push(`an error of a script: ${error.error().message}`));
  context.on('console', (message) => {
    if (/content security policy/i.test(message.text())) seen.push(message.text());
  });
  return {
    context,
    page: await context.newPage(),
    assertQuiet: () => assert.deepEqual(seen.splice(0), []),
    close: () => context.close(),
  };
}
