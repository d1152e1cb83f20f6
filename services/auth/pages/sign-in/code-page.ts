import { MAX_OTP_CHARACTERS } from '../../accounts/account-input.ts';
import type { Page } from '../../html/document.ts';
import { field, hidden } from '../../html/fields.ts';
import { html } from '../../html/html.ts';
import { CODE_PAGE, SIGN_IN_PAGE } from '../../oauth/routes.ts';
import { cancelButton } from '../cancel-button.ts';
import { addressWith, type Destination, namesOf } from '../destination.ts';
import { layout } from '../layout.ts';
import type { Refusal } from '../refusals.ts';
import type { Visit } from '../visit.ts';

export interface CodePage {
  destination: Destination;
  token: string;
  refusal?: Refusal;
}

/** Asks for what comes after the password: a code of an app, or a recovery code. */
export function codePage(visit: Visit, { destination, token, refusal }: CodePage): Page {
  const { signIn } = visit.texts;
  const interaction = 'interaction' in destination ? destination.interaction : undefined;
  return layout(visit, {
    title: signIn.codeTitle,
    problem: refusal?.problem,
    formLeadsTo: [interaction?.redirectOrigin],
    body: html`${
      interaction !== undefined &&
      html`<p>${signIn.to(interaction.client.name)}</p>
`
    }<form method="post" action="${CODE_PAGE}">
${hidden({ ...namesOf(destination), token })}${field({
  ...{
    name: 'otp',
    label: signIn.otp,
    hint: signIn.otpHint,
    maxLength: MAX_OTP_CHARACTERS,
    problem: refusal?.fields.otp,
  },
  ...{ autocomplete: 'one-time-code', isExact: true, isFirst: true },
})}<p class="actions"><button type="submit">${signIn.submit}</button>${cancelButton(visit, destination)}</p>
</form>
<p class="small"><a href="${addressWith(SIGN_IN_PAGE, destination)}">${signIn.startAgain}</a></p>`,
  });
}
