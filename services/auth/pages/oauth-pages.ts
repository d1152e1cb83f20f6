import type { DeviceProblem, Form, OAuthPages } from '../oauth/interactions/pages.ts';
import { html, type Part } from './html.ts';
import { alertOf, hidden } from './layout.ts';

const PROBLEMS: Record<DeviceProblem, string> = {
  WRONG_CODE: 'There is no such code, or it was used, or it is too old. Look at the device, and try again.',
  ABORTED: 'The sign-in on the device was stopped.',
  FAILED: 'That did not work. Start again on the device.',
};
const MAX_CODE = 32;

function form({ action, xsrf }: Form, fields: Part): Part {
  return html`<form method="post" action="${action}">
${hidden({ xsrf })}
${fields}
</form>`;
}

/** What the provider has us show: its forms have the fields that it reads. */
export const oauthPages: OAuthPages = {
  failed: ({ error, description }) => ({
    title: 'This did not work',
    body: html`<p role="alert">The app has asked for something that cannot be done. Go back to it, and try again.</p>
<p class="small">${description} <code>${error}</code></p>`,
  }),
  deviceCode: ({ userCode, problem, ...rest }) => ({
    title: 'Connect a device',
    body: html`${alertOf(problem === undefined ? undefined : PROBLEMS[problem])}
${form(
  rest,
  html`<p><label for="user_code">The code that the device shows</label>
<input type="text" id="user_code" name="user_code" value="${userCode.slice(0, MAX_CODE)}" required maxlength="${MAX_CODE}" autocomplete="off" autocapitalize="characters" spellcheck="false"${problem === 'WRONG_CODE' && html` aria-invalid="true" aria-describedby="problem"`}></p>
<button type="submit">Go on</button>`,
)}`,
  }),
  deviceConfirm: ({ userCode, clientName, ...rest }) => ({
    title: 'Is this your device?',
    body: html`<p><strong>${clientName}</strong> shows the code <strong>${userCode}</strong>.</p>
<p>Go on only if you have started this yourself and see this code on a device of yours. If somebody has sent you the code or a link with it, stop: that person would get into your account.</p>
${form(
  rest,
  html`${hidden({ user_code: userCode, confirm: 'yes' })}
<button type="submit">Yes, it is my device</button>
<button type="submit" name="abort" value="yes">No, stop</button>`,
)}`,
  }),
  deviceDone: ({ clientName }) => ({
    title: 'The device is connected',
    body: html`<p>Go on with <strong>${clientName}</strong> on your device. You can close this page.</p>`,
  }),
  signOut: ({ clientName, leadsTo, ...rest }) => ({
    title: 'Sign out?',
    formLeadsTo: [leadsTo],
    body: html`${clientName === undefined ? undefined : html`<p><strong>${clientName}</strong> asks you to sign out.</p>`}
<p>Apps that you use in this browser have to ask you to sign in again.</p>
${form(
  rest,
  html`<button type="submit" name="logout" value="yes">Sign out</button>
<button type="submit">Stay signed in</button>`,
)}`,
  }),
  signedOut: ({ clientName }) => ({
    title: 'Done',
    body: html`<p>${clientName === undefined ? 'You are signed out.' : html`You are signed out of <strong>${clientName}</strong>.`} You can close this page.</p>`,
  }),
};
