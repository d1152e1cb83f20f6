import type { Language } from '../i18n/language.ts';
import { type Html, html, type Part, render } from './html.ts';
import { STYLE } from './stylesheet.ts';

/** A page, and the origins (or apps' own schemes) besides ours to which its forms lead in the end: browsers hold `form-action` against redirects too. */
export interface Page {
  language: Language;
  /** Heading of the page. */
  title: string;
  /** Stands in the browser's tab instead of the heading. */
  tabTitle?: string | undefined;
  body: Html;
  /** Before and after what is in `main`. */
  head?: Part;
  foot?: Part;
  /** For lists, which need more room than a form does. */
  isWide?: boolean | undefined;
  formLeadsTo?: readonly (string | undefined)[];
  /** Absolute address of the script that it needs; without one nothing runs. */
  script?: string | undefined;
}

/** The whole document. The style stands in it as it is: the policy has its hash. */
export function documentOf({
  language,
  title,
  tabTitle = title,
  body,
  head,
  foot,
  isWide = false,
  script,
}: Page): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${render(html`${tabTitle}`)} · OXO</title>
<style>${STYLE}</style>${script === undefined ? '' : `\n${render(html`<script type="module" src="${script}"></script>`)}`}
</head>
<body${isWide ? ' class="wide"' : ''}>
${render(html`${head}<main id="main">
<h1>${title}</h1>
${body}
</main>
${foot}`)}
</body>
</html>
`;
}
