import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type Html, html, type Part, render } from './html.ts';

/** Colours and sizes only; which of light and dark is the reader's. */
const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 2rem 1rem; max-width: 30rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
label { display: block; }
fieldset { border: 1px solid; border-radius: .25rem; margin: 1rem 0; }
fieldset label { margin: .5rem 0; }
input:not([type]), input[type=text], input[type=password] { box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
button { padding: .5rem 1rem; margin: 1rem .5rem 0 0; font: inherit; }
[role=alert] { border-left: .25rem solid #c00; padding-left: .75rem; }
.small { font-size: .875rem; }
.wrong { color: #c00; }
strong, code { overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { .wrong { color: #f99; } }
`;
const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

/** A page, and the origins besides ours to which its forms lead in the end: browsers hold `form-action` against redirects too. */
export interface Page {
  title: string;
  body: Html;
  formLeadsTo?: readonly (string | undefined)[];
}

/** The whole document. The style stands in it as it is: the policy has its hash. */
export function documentOf({ title, body }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${render(html`${title}`)} · OXO</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${render(html`${title}`)}</h1>
${render(body)}
</main>
</body>
</html>
`;
}

/** What every answer of OAuth and the pages carries: it is kept nowhere, named to nobody, and shown in nobody's frame. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const NOTHING = `default-src 'none'; base-uri 'none'; frame-ancestors 'none'`;
/** For the provider's own answers; where it posts a form by a script of its own, it adds its hash. */
export const PROVIDER_POLICY = `${NOTHING}; script-src 'none'`;

/** What a page may do: show our style, and post its forms to us. */
export function policyOf({ formLeadsTo = [] }: Pick<Page, 'formLeadsTo'>): string {
  const others = formLeadsTo.flatMap((origin) => (origin === undefined ? [] : [sourceOf(origin)]));
  return `${NOTHING}; style-src ${STYLE_SOURCE}; form-action ${["'self'", ...new Set(others)].join(' ')}`;
}

/** An origin as a policy can name it: there is no way to name an address of IPv6. */
function sourceOf(origin: string): string {
  if (origin.includes('[')) return origin.replace(/:\/\/.*/, ':');
  return /^https?:\/\/[\w.-]+(:\d+)?$/.test(origin) ? origin : "'self'";
}

/** Answers with a page. */
export function sendPage(response: ServerResponse, status: number, page: Page): void {
  const bytes = Buffer.from(documentOf(page));
  response.writeHead(status, {
    ...SAFE_HEADERS,
    'content-security-policy': policyOf(page),
    'content-type': 'text/html; charset=utf-8',
    'content-length': bytes.length,
  });
  response.end(bytes);
}

/** What went wrong, read out by screen readers at once; nothing when nothing did. */
export function alertOf(message: string | undefined): Part {
  return message === undefined ? undefined : html`<p role="alert" id="problem">${message}</p>`;
}

/** Fields that nobody sees. */
export function hidden(fields: Readonly<Record<string, string>>): Part {
  return Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
  );
}
