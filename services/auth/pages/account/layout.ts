import type { Page } from '../../html/document.ts';
import { html, type Part } from '../../html/html.ts';
import { ACCOUNT_PAGES, SIGN_OUT_PAGE } from '../../oauth/routes.ts';
import { type Content, layout, MARK } from '../layout.ts';
import type { AccountVisit } from '../signed-in.ts';

type Section = keyof typeof ACCOUNT_PAGES;

/** What the account is looked after by, in the order in which people see it; the overview leads to what ends it besides. */
export const SECTIONS = ['profile', 'security', 'sessions', 'apps', 'keys'] as const;

/** A page of the account, with the way to the others. */
export function accountLayout(
  visit: AccountVisit,
  here: Section,
  content: Omit<Content, 'title'> & { title?: string },
): Page {
  const { account } = visit.texts;
  const items = (['overview', ...SECTIONS] as const).map(
    (section) =>
      html`<li><a href="${ACCOUNT_PAGES[section]}"${currentIn(section, here)}>${account.navigation[section]}</a></li>
`,
  );
  return {
    ...layout(visit, { title: account.sections[here], isWide: true, ...content }),
    head: html`<a class="skip" href="#main">${account.skip}</a>
<header>${MARK}
<nav aria-label="${account.sections.overview}"><ul>
${items}<li><a href="${SIGN_OUT_PAGE}">${account.signOut}</a></li>
</ul></nav></header>
`,
  };
}

/** Marks the section of a page: the page itself, or the one above it. */
function currentIn(section: Section, here: Section): Part {
  if (section === here) return html` aria-current="page"`;
  return ACCOUNT_PAGES[here].startsWith(`${ACCOUNT_PAGES[section]}/`) && section !== 'overview'
    ? html` aria-current="true"`
    : undefined;
}

/** What to say of what was done just now, if it is one of these. */
export function doneIn({ done = '' }: AccountVisit, texts: Readonly<Record<string, string>>): string | undefined {
  return Object.hasOwn(texts, done) ? texts[done] : undefined;
}

/** A time as people of the language write it. Nothing is known of where they are, so it says whose time it is. */
export function timeOf({ language }: AccountVisit, atMs: number): Part {
  const at = new Date(atMs);
  const text = at.toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  return html`<time datetime="${at.toISOString()}">${text} UTC</time>`;
}
