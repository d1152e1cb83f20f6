import {
  MAX_DISPLAY_NAME_CHARACTERS,
  MAX_HANDLE_CHARACTERS,
  MAX_PASSWORD_CHARACTERS,
} from '../accounts/account-input.ts';
import type { Page } from '../html/document.ts';
import { field, hidden } from '../html/fields.ts';
import { html } from '../html/html.ts';
import { MAX_EMAIL_BYTES } from '../mail/email.ts';
import { SIGN_IN_PAGE, SIGN_UP_PAGE } from '../oauth/routes.ts';
import { cancelButton } from './cancel-button.ts';
import { addressWith, type Destination, namesOf } from './destination.ts';
import { layout } from './layout.ts';
import type { Refusal } from './refusals.ts';
import type { Visit } from './visit.ts';

export interface SignUpPage {
  destination: Destination;
  token: string;
  /** What was typed before; never the password. */
  typed: Record<'handle' | 'email' | 'displayName', string>;
  refusal?: Refusal;
}

/** Asks for all that an account needs. */
export function signUpPage(visit: Visit, { destination, token, typed, refusal }: SignUpPage): Page {
  const { signUp } = visit.texts;
  const { fields: problems = {} } = refusal ?? {};
  const interaction = 'interaction' in destination ? destination.interaction : undefined;
  const first = (['displayName', 'handle', 'email', 'password'] as const).find((name) => problems[name] !== undefined);
  const common = (name: keyof typeof typed) => ({
    ...{ name, label: signUp[name], value: typed[name], problem: problems[name], isFirst: first === name },
  });
  return layout(visit, {
    title: signUp.title,
    problem: refusal?.problem,
    formLeadsTo: [interaction?.redirectOrigin],
    body: html`${
      interaction !== undefined &&
      html`<p>${signUp.to(interaction.client.name)}</p>
`
    }<form method="post" action="${SIGN_UP_PAGE}">
${hidden({ ...namesOf(destination), token })}${field({
  ...common('handle'),
  ...{ hint: signUp.handleHint, maxLength: MAX_HANDLE_CHARACTERS, autocomplete: 'username', isExact: true },
  isFirst: first === undefined || first === 'handle',
})}${field({ ...common('displayName'), hint: signUp.displayNameHint, isOptional: true, maxLength: MAX_DISPLAY_NAME_CHARACTERS, autocomplete: 'name' })}${field({ ...common('email'), type: 'email', maxLength: MAX_EMAIL_BYTES, autocomplete: 'email', isExact: true })}${field(
  {
    ...{
      name: 'password',
      type: 'password',
      label: signUp.password,
      hint: signUp.passwordHint,
      maxLength: MAX_PASSWORD_CHARACTERS,
    },
    ...{ problem: problems.password, autocomplete: 'new-password', isFirst: first === 'password' },
  },
)}<p class="actions"><button type="submit">${signUp.submit}</button>${cancelButton(visit, destination)}</p>
</form>
<p class="small">${signUp.known} <a href="${addressWith(SIGN_IN_PAGE, destination)}">${signUp.signIn}</a></p>`,
  });
}
