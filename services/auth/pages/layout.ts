import type { Page } from '../html/document.ts';
import { alertOf, hidden, statusOf } from '../html/fields.ts';
import { type Html, html, type Part } from '../html/html.ts';
import { LANGUAGES } from '../i18n/language.ts';
import { LANGUAGE_PAGE } from '../oauth/routes.ts';
import { LANGUAGE_NAMES } from './texts/texts.ts';
import type { Visit } from './visit.ts';

/** What a page says itself; all around it is the same everywhere. */
export interface Content extends Pick<Page, 'formLeadsTo' | 'isWide' | 'script'> {
  title: string;
  /** What went wrong: told before all else, and in the browser's tab. */
  problem?: string | undefined;
  /** What was done. */
  done?: Part;
  body: Html;
}

/** Whose pages they are. */
export const MARK = html`<span class="brand"><svg viewBox="0 0 52 20" role="img" aria-label="OXO" focusable="false"><g fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round"><circle cx="10" cy="10" r="7"/><path d="M20.5 4 31.5 16M31.5 4 20.5 16"/><circle cx="42" cy="10" r="7"/></g></svg></span>`;

/** A page with what stands around all of them. */
export function layout(visit: Visit, { title, problem, done, body, ...rest }: Content): Page {
  const { language, texts } = visit;
  return {
    ...rest,
    language,
    title,
    tabTitle: problem === undefined ? undefined : texts.layout.problemTitle(title),
    head: html`<header>${MARK}</header>
`,
    body: html`${alertOf(problem)}${statusOf(done)}${body}`,
    foot: languageChoice(visit),
  };
}

/** A form, since a choice is kept. */
function languageChoice({ language, texts, here }: Visit): Part {
  if (here === undefined) return undefined;
  const choices = LANGUAGES.map((each) =>
    each === language
      ? html`<span lang="${each}" aria-current="true">${LANGUAGE_NAMES[each]}</span>`
      : html`<button type="submit" name="language" value="${each}" lang="${each}">${LANGUAGE_NAMES[each]}</button>`,
  );
  return html`<footer>
<form method="post" action="${LANGUAGE_PAGE}" aria-label="${texts.layout.languages}">
${hidden({ back: here })}<span>${texts.layout.languages}:</span>
${choices}
</form>
</footer>`;
}
