import { SECOND_MS } from '#kit/clock.ts';
import type { Page } from '../html/document.ts';
import { html } from '../html/html.ts';
import { ACCOUNT_PAGE } from '../oauth/routes.ts';
import { layout } from './layout.ts';
import type { Visit } from './visit.ts';

/** There is no request of a client in this browser that the page could go on with. */
export function expiredPage(visit: Visit): Page {
  const { expiredTitle: title, expired } = visit.texts.problems;
  return layout(visit, { title, body: html`<p role="alert">${expired}</p>` });
}

/** The form did not come from the page that we gave to this browser. */
export function foreignFormPage(visit: Visit): Page {
  const { foreignTitle: title, foreign } = visit.texts.problems;
  return layout(visit, { title, body: html`<p role="alert">${foreign}</p>` });
}

/** Something is tried too often, or too much at once. */
export function waitPage(visit: Visit, message: string, retryAfterMs: number): Page {
  const { waitTitle: title, wait } = visit.texts.problems;
  return layout(visit, { title, body: html`<p role="alert">${message} ${wait(Math.ceil(retryAfterMs / 1_000))}</p>` });
}

/** Something that is needed is away for the moment. */
export function awayPage(visit: Visit): Page {
  return waitPage(visit, visit.texts.problems.away, SECOND_MS);
}

/** Nothing is at the address. */
export function missingPage(visit: Visit): Page {
  const { missingTitle: title, missing } = visit.texts.problems;
  return layout(visit, {
    title,
    body: html`<p role="alert">${missing}</p>
<p><a href="${ACCOUNT_PAGE}">${visit.texts.account.sections.overview}</a></p>`,
  });
}

/** Anything else. @param requestId finds it in the logs */
export function failedPage(visit: Visit, requestId: string): Page {
  const { failedTitle: title, failed, request } = visit.texts.problems;
  return layout(visit, {
    title,
    body: html`<p role="alert">${failed}</p>
<p class="small">${request} <code>${requestId}</code></p>`,
  });
}
