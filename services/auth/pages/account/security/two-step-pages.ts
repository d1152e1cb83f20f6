import { MAX_OTP_CHARACTERS } from '../../../accounts/account-input.ts';
import type { Page } from '../../../html/document.ts';
import { field, hidden } from '../../../html/fields.ts';
import { html, type Part } from '../../../html/html.ts';
import type { MfaState } from '../../../mfa/mfa.ts';
import { otpauthUri, type TotpSecret, typedSecret } from '../../../mfa/totp.ts';
import { ACCOUNT_PAGES } from '../../../oauth/routes.ts';
import type { Refusal } from '../../refusals.ts';
import type { AccountVisit } from '../../signed-in.ts';
import { accountLayout, timeOf } from '../layout.ts';
import { qrCode } from './qr-code.ts';

const PATH = ACCOUNT_PAGES.twoStep;
/** With so few left it is time for others. */
const FEW_CODES = 3;

/** What there is, and what can be done about it. */
export function statePage(
  visit: AccountVisit,
  state: MfaState,
  said: { done?: string | undefined; refusal?: Refusal | undefined },
): Page {
  const { twoStep: texts } = visit.texts.account;
  return accountLayout(visit, 'twoStep', {
    problem: said.refusal?.problem,
    done: said.done,
    body: html`<p>${texts.about}</p>
${state.totpSinceMs === undefined ? offPart(visit) : onPart(visit, { ...state, totpSinceMs: state.totpSinceMs })}`,
  });
}

function offPart(visit: AccountVisit): Part {
  const { twoStep: texts } = visit.texts.account;
  return html`<p class="note">${texts.off}</p>
${button(visit, { action: 'begin', label: texts.begin })}`;
}

function onPart(visit: AccountVisit, { totpSinceMs, recoveryCodesLeft }: MfaState & { totpSinceMs: number }): Part {
  const { twoStep: texts } = visit.texts.account;
  return html`<p><strong>${texts.on}</strong> <span class="small">${texts.since} ${timeOf(visit, totpSinceMs)}</span></p>
<h2>${texts.codes}</h2>
<p${recoveryCodesLeft <= FEW_CODES && html` class="note"`}>${texts.codesLeft(recoveryCodesLeft)}</p>
${button(visit, { action: 'renew', label: texts.renew, hint: texts.renewHint, style: 'second' })}
<h2>${texts.removeTitle}</h2>
${button(visit, { action: 'disable', label: texts.remove, hint: texts.removeHint, style: 'danger' })}`;
}

function button(
  visit: AccountVisit,
  { action, label, hint, style }: { action: string; label: string; hint?: string; style?: 'second' | 'danger' },
): Part {
  return html`${
    hint !== undefined &&
    html`<p>${hint}</p>
`
  }<form method="post" action="${PATH}">
${hidden({ token: visit.token, once: visit.once })}<p class="actions"><button type="submit"${style !== undefined && html` class="${style}"`} name="action" value="${action}">${label}</button></p>
</form>`;
}

/** The secret for an app, this once, and a form for its first code. @param label whose account it is, as the app will show it */
export function enrolmentPage(visit: AccountVisit, secret: TotpSecret, label: string): Page {
  const { twoStep: texts } = visit.texts.account;
  const uri = otpauthUri(secret, label);
  const groups = typedSecret(secret).match(/.{1,4}/g) ?? [];
  return accountLayout(visit, 'twoStep', {
    title: texts.setUpTitle,
    body: html`<p>${texts.scan}</p>
${qrCode(uri, texts.qrCode)}<p><a href="${uri}">${texts.openApp}</a></p>
<p>${texts.type}</p>
<p><code class="secret" id="secret">${groups.join(' ')}</code></p>
${confirmForm(visit)}`,
  });
}

/** The same without the secret, which the app has by now, for who has typed a wrong code. */
export function confirmPage(visit: AccountVisit, refusal: Refusal): Page {
  const { twoStep: texts } = visit.texts.account;
  return accountLayout(visit, 'twoStep', {
    title: texts.setUpTitle,
    problem: refusal.problem,
    body: html`${confirmForm(visit, refusal)}
<p class="small"><a href="${PATH}">${texts.startAgain}</a></p>`,
  });
}

function confirmForm(visit: AccountVisit, refusal?: Refusal): Part {
  const { twoStep: texts } = visit.texts.account;
  return html`<form method="post" action="${PATH}">
${hidden({ token: visit.token })}${field({
  ...{
    name: 'otp',
    label: texts.code,
    hint: texts.codeHint,
    maxLength: MAX_OTP_CHARACTERS,
    problem: refusal?.fields.otp,
  },
  ...{ autocomplete: 'one-time-code', isExact: true, isFirst: refusal !== undefined },
})}<p class="actions"><button type="submit" name="action" value="confirm">${texts.confirm}</button></p>
</form>`;
}

/** New recovery codes, this once. */
export function codesPage(visit: AccountVisit, codes: readonly string[], done: string): Page {
  const { twoStep: texts } = visit.texts.account;
  const items = codes.map(
    (code) => html`<li><code>${code}</code></li>
`,
  );
  return accountLayout(visit, 'twoStep', {
    title: texts.codes,
    done,
    body: html`<p>${texts.codesAbout}</p>
<ol class="codes" id="codes">
${items}</ol>
<p><strong>${texts.codesOnce}</strong></p>
<p><a href="${PATH}">${texts.codesKept}</a></p>`,
  });
}
