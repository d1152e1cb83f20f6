import type { OwnProfile } from '../../accounts/own-profile.ts';
import { choice, hidden } from '../../html/fields.ts';
import { html } from '../../html/html.ts';
import { sendPage } from '../../html/send.ts';
import type { HttpExchange } from '../../http/server.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import type { Browsers } from '../browsers.ts';
import { layout } from '../layout.ts';
import type { AccountPage, AccountVisit } from '../signed-in.ts';
import { accountLayout } from './layout.ts';

const PATH = ACCOUNT_PAGES.delete;

/** Ends the account, for good: soon after the password was typed, and when its owner has ticked that they know. */
export function deleteAccount(parts: { ownProfile: OwnProfile; browsers: Pick<Browsers, 'forget'> }): AccountPage {
  const { ownProfile, browsers } = parts;

  function show({ response }: HttpExchange, visit: AccountVisit, isUnticked = false): void {
    const { delete: texts } = visit.texts.account;
    const body = html`<p>${texts.about}</p>
<form method="post" action="${PATH}">
${hidden({ token: visit.token })}<fieldset>
<legend>${texts.sure}</legend>
${choice({ name: 'sure', value: 'yes', label: texts.tick, isChecked: false })}</fieldset>
<p class="actions"><button type="submit" class="danger">${texts.submit}</button></p>
</form>`;
    const problem = isUnticked ? texts.unticked : undefined;
    sendPage(response, isUnticked ? 400 : 200, accountLayout(visit, 'delete', { problem, body }));
  }

  return {
    path: PATH,
    isSensitive: true,
    async get(exchange, visit) {
      show(exchange, visit);
    },
    async post(exchange, visit, form) {
      if (form.get('sure') !== 'yes') return show(exchange, visit, true);
      await ownProfile.delete(visit.session, exchange);
      browsers.forget(exchange.response);
      const { doneTitle: title, done } = visit.texts.account.delete;
      sendPage(exchange.response, 200, layout({ ...visit, here: undefined }, { title, done, body: html`` }));
    },
  };
}
