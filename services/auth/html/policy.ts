import type { Page } from './document.ts';
import { STYLE_SOURCE } from './stylesheet.ts';

/** What every answer of OAuth and the pages carries: it is kept nowhere, named to nobody, and shown in nobody's frame. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Of an answer after which nobody is signed in: whoever has the browser next sees none of the pages by going back. Browsers heed it over https. */
export const CLEAR_CACHE = ['clear-site-data', '"cache"'] as const;

const NOTHING = `default-src 'none'; base-uri 'none'; frame-ancestors 'none'`;
/** For the provider's own answers; where it posts a form by a script of its own, it adds its hash. */
export const PROVIDER_POLICY = `${NOTHING}; script-src 'none'`;

/** What a page may do: show our style, post its forms to us, and run the script that it says, if any. */
export function policyOf({ formLeadsTo = [], script }: Pick<Page, 'formLeadsTo' | 'script'>): string {
  const others = formLeadsTo.flatMap((origin) => (origin === undefined ? [] : [sourceOf(origin)]));
  const scripts = script === undefined ? '' : ` script-src ${script};`;
  return `${NOTHING};${scripts} style-src ${STYLE_SOURCE}; form-action ${[...new Set(["'self'", ...others])].join(' ')}`;
}

/** An origin, or an app's own scheme, as a policy can name it: there is no way to name an address of IPv6. */
function sourceOf(origin: string): string {
  if (origin.includes('[')) return origin.replace(/:\/\/.*/, ':');
  return /^(https?:\/\/[\w.-]+(:\d+)?|[a-z][\w+-]*(\.[\w+-]+)+:)$/.test(origin) ? origin : "'self'";
}
