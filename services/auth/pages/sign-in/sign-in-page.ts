import { MAX_IDENTIFIER_BYTES, MAX_PASSWORD_CHARACTERS } from '../../accounts/account-input.ts';
import type { Page } from '../../html/document.ts';
import { field, hidden } from '../../html/fields.ts';
import { html, type Part } from '../../html/html.ts';
import { FORGOT_PAGE, SIGN_IN_PAGE, SIGN_UP_PAGE } from '../../oauth/routes.ts';
import { cancelButton } from '../cancel-button.ts';
import { addressWith, type Destination, namesOf } from '../destination.ts';
import { layout } from '../layout.ts';
import type { Refusal } from '../refusals.ts';
import type { Texts } from '../texts/texts.ts';
import type { Visit } from '../visit.ts';

export interface SignInPage {
  destination: Destination;
  token: string;
  identifier: string;
  /** Who is signed in shows once more that it is them: the identifier stands fast. */
  isConfirmation: boolean;
  /** What the browser is asked for a passkey by; undefined where there are none. */
  passkey?: { options: string; script: string } | undefined;
  refusal?: Refusal;
}

/** Asks for handle or email address, and password. */
export function signInPage(visit: Visit, page: SignInPage): Page {
  const { destination, token, isConfirmation, refusal } = page;
  const { signIn } = visit.texts;
  const interaction = 'interaction' in destination ? destination.interaction : undefined;
  return layout(visit, {
    title: isConfirmation ? signIn.confirmTitle : signIn.title,
    problem: refusal?.problem,
    formLeadsTo: [interaction?.redirectOrigin],
    script: page.passkey?.script,
    body: html`${
      interaction !== undefined &&
      html`<p>${signIn.to(interaction.client.name)}</p>
`
    }<form method="post" action="${SIGN_IN_PAGE}">
${hidden({ ...namesOf(destination), token, ...(isConfirmation ? { confirm: 'yes' } : {}) })}${fields(visit.texts, page)}<p class="actions"><button type="submit">${isConfirmation ? signIn.confirm : signIn.submit}</button>${cancelButton(visit, destination)}</p>
</form>
${passkeyForm(visit.texts, page)}<p class="small"><a href="${FORGOT_PAGE}">${signIn.forgot}</a></p>
${!isConfirmation && html`<p class="small">${signIn.newHere} <a href="${addressWith(SIGN_UP_PAGE, destination)}">${signIn.signUp}</a></p>`}`,
  });
}

/** Shown by the script, where the browser has passkeys. */
function passkeyForm({ signIn }: Texts, { destination, token, identifier, isConfirmation, passkey }: SignInPage): Part {
  if (passkey === undefined) return undefined;
  return html`<form method="post" action="${SIGN_IN_PAGE}" data-passkey="get" data-options="${passkey.options}" hidden>
${hidden({ ...namesOf(destination), token, credential: '', ...(isConfirmation ? { confirm: 'yes', identifier } : {}) })}<p role="alert" data-failed hidden>${signIn.passkeyFailed}</p>
<p class="actions"><button type="submit" class="second">${signIn.passkey}</button></p>
</form>
`;
}

function fields({ signIn }: Texts, { identifier, isConfirmation, refusal }: SignInPage): Part {
  const { fields: problems = {} } = refusal ?? {};
  const isFirst = problems.identifier !== undefined || identifier === '';
  const who = isConfirmation
    ? html`<p>${signIn.confirmAs(identifier)}</p>
${hidden({ identifier })}`
    : field({
        ...{ name: 'identifier', label: signIn.identifier, value: identifier, maxLength: MAX_IDENTIFIER_BYTES },
        ...{ problem: problems.identifier, autocomplete: 'username', isExact: true, isFirst },
      });
  return html`${who}${field({
    ...{ name: 'password', type: 'password', label: signIn.password, maxLength: MAX_PASSWORD_CHARACTERS },
    ...{ problem: problems.password, autocomplete: 'current-password', isFirst: !isFirst },
  })}`;
}
