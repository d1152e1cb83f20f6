import type { Page } from '../html/document.ts';
import { field, hidden } from '../html/fields.ts';
import { html } from '../html/html.ts';
import type { OAuthInteraction } from '../oauth/interactions/interactions.ts';
import { SIGN_IN_PAGE } from '../oauth/routes.ts';
import { layout } from './layout.ts';
import type { Refusal } from './refusals.ts';
import type { Visit } from './visit.ts';

export interface SignInPage {
  interaction: OAuthInteraction;
  token: string;
  identifier: string;
  refusal?: Refusal;
}

const MAX_IDENTIFIER = 254;
const MAX_PASSWORD = 256;

/** Asks for handle or email address, and password. */
export function signInPage(visit: Visit, { interaction, token, identifier, refusal }: SignInPage): Page {
  const { signIn } = visit.texts;
  const { problem, fields = {} } = refusal ?? {};
  const isFirst = fields.identifier !== undefined || identifier === '';
  return layout(visit, {
    title: signIn.title,
    problem,
    formLeadsTo: [interaction.redirectOrigin],
    body: html`<p>${signIn.to(interaction.client.name)}</p>
<form method="post" action="${SIGN_IN_PAGE}">
${hidden({ interaction: interaction.id, token })}${field({
  ...{ name: 'identifier', label: signIn.identifier, value: identifier, maxLength: MAX_IDENTIFIER },
  ...{ problem: fields.identifier, autocomplete: 'username', isExact: true, isFirst },
})}${field({
  ...{ name: 'password', type: 'password', label: signIn.password, maxLength: MAX_PASSWORD },
  ...{ problem: fields.password, autocomplete: 'current-password', isFirst: !isFirst },
})}<p class="actions"><button type="submit">${signIn.submit}</button>
<button type="submit" class="second" name="cancel" value="yes" formnovalidate>${signIn.cancel}</button></p>
</form>`,
  });
}
