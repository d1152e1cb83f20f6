import type { Page } from '../html/document.ts';
import { field, hidden } from '../html/fields.ts';
import { html, type Part } from '../html/html.ts';
import type { Form, OAuthPages, PageSource } from '../oauth/interactions/pages.ts';
import { layout } from './layout.ts';
import { awayPage, foreignFormPage, waitPage } from './problem-pages.ts';
import { type Visit, visitOf } from './visit.ts';

const MAX_USER_CODE_CHARACTERS = 32;

function form({ action, xsrf }: Form, fields: Part): Part {
  return html`<form method="post" action="${action}">
${hidden({ xsrf })}${fields}
</form>`;
}

/** What the provider has us show: its forms have the fields that it reads. */
export function createOAuthPages(issuer: string): OAuthPages {
  /** What a page needs, and the request that it answers. */
  const shown =
    <Given>(page: (visit: Visit, given: Given) => Page): PageSource<Given> =>
    (request, given) =>
      page(visitOf(request, issuer), given);

  return {
    failed: shown((visit, { error, description }) => {
      if (error === 'temporarily_unavailable') return awayPage(visit);
      const { clientTitle: title, client } = visit.texts.problems;
      return layout(visit, {
        title,
        body: html`<p role="alert">${client}</p>
<p class="small"><span lang="en">${description}</span> <code>${error}</code></p>`,
      });
    }),
    foreignForm: (request) => foreignFormPage(visitOf(request, issuer)),
    wait: shown((visit, { tooMany, retryAfterMs }) =>
      waitPage(visit, visit.texts.problems.tooMany[tooMany], retryAfterMs),
    ),
    deviceCode: shown(deviceCodePage),
    deviceConfirm: shown((visit, { userCode, clientName, ...rest }) => {
      const { device } = visit.texts;
      const buttons = html`${hidden({ user_code: userCode, confirm: 'yes' })}<p class="actions"><button type="submit">${device.confirm}</button>
<button type="submit" class="second" name="abort" value="yes">${device.abort}</button></p>`;
      return layout(visit, {
        title: device.confirmTitle,
        body: html`<p>${device.shows(clientName, userCode)}</p>
<p class="note">${device.warning}</p>
${form(rest, buttons)}`,
      });
    }),
    deviceDone: shown((visit, { clientName }) => {
      const { doneTitle: title, done } = visit.texts.device;
      return layout(visit, { title, done: done(clientName), body: html`` });
    }),
    signOut: shown((visit, { clientName, leadsTo, ...rest }) => {
      const { title, asks, effect, confirm, stay } = visit.texts.signOut;
      const buttons = html`<p class="actions"><button type="submit" name="logout" value="yes">${confirm}</button>
<button type="submit" class="second">${stay}</button></p>`;
      return layout(visit, {
        title,
        formLeadsTo: [leadsTo],
        body: html`${
          clientName !== undefined &&
          html`<p>${asks(clientName)}</p>
`
        }<p>${effect}</p>
${form(rest, buttons)}`,
      });
    }),
    signedOut: shown((visit, { clientName }) => {
      const { doneTitle: title, done } = visit.texts.signOut;
      return layout(visit, { title, done: done(clientName), body: html`` });
    }),
  };
}

type DeviceCode = Parameters<OAuthPages['deviceCode']>[1];

function deviceCodePage(visit: Visit, { userCode, problem, ...rest }: DeviceCode): Page {
  const { device } = visit.texts;
  const code = field({
    ...{ name: 'user_code', label: device.code, value: userCode, maxLength: MAX_USER_CODE_CHARACTERS, isFirst: true },
    ...{ problemId: problem === 'WRONG_CODE' ? 'problem' : undefined, autocomplete: 'off', isExact: true },
  });
  return layout(visit, {
    title: device.title,
    problem: problem === undefined ? undefined : device.problems[problem],
    body: html`${form(rest, html`${code}<p class="actions"><button type="submit">${device.submit}</button></p>`)}`,
  });
}
