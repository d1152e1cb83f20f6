import { html } from './html.ts';
import type { Page } from './layout.ts';

/** There is no request of a client in this browser that the page could go on with. */
export const expiredPage: Page = {
  title: 'Start again',
  body: html`<p role="alert">This page is too old, was used already, or belongs to another browser. Go back to the app that you want to use, and start again there.</p>`,
};

/** The form did not come from the page that we gave to this browser. */
export const foreignFormPage: Page = {
  title: 'That did not work',
  body: html`<p role="alert">What was sent did not come from the page that you see. Nothing has changed. Go back to the app, and start again there.</p>`,
};

/** Something is tried too often, or too much at once. */
export function waitPage(message: string, retryAfterMs: number): Page {
  const seconds = Math.ceil(retryAfterMs / 1_000);
  const wait = seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return { title: 'Wait a moment', body: html`<p role="alert">${message} Try again in ${wait}.</p>` };
}

/** Anything else. @param requestId finds it in the logs */
export function failedPage(requestId: string): Page {
  return {
    title: 'Something went wrong',
    body: html`<p role="alert">That is our fault. Try again in a moment.</p>
<p class="small">Request <code>${requestId}</code></p>`,
  };
}
