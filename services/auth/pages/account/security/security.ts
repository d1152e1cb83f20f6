import { z } from 'zod';
import { validate } from '#kit/validate.ts';
import type { AccountChanges } from '../../../accounts/account-changes.ts';
import { email, MAX_PASSWORD_CHARACTERS, newPassword, typedPassword } from '../../../accounts/account-input.ts';
import type { AccountAddresses } from '../../../accounts/email-addresses.ts';
import type { KeptWays } from '../../../accounts/kept-ways.ts';
import { readDeviceCookie } from '../../../attempts/device-cookie.ts';
import { field, hidden } from '../../../html/fields.ts';
import { html, type Part } from '../../../html/html.ts';
import { sendPage } from '../../../html/send.ts';
import type { HttpExchange } from '../../../http/server.ts';
import { MAX_EMAIL_BYTES } from '../../../mail/email.ts';
import type { Mfa, MfaState } from '../../../mfa/mfa.ts';
import { ACCOUNT_PAGES } from '../../../oauth/routes.ts';
import type { Passkeys } from '../../../passkeys/passkeys.ts';
import { goOn } from '../../page-handlers.ts';
import { type Refusal, refusalOf } from '../../refusals.ts';
import type { AccountPage, AccountVisit } from '../../signed-in.ts';
import { callOfVisit } from '../../visit.ts';
import { accountLayout, doneIn } from '../layout.ts';

const PATH = ACCOUNT_PAGES.security;
const passwordInput = z.object({ currentPassword: typedPassword(), newPassword: newPassword() });
const emailInput = z.object({ email: email() });

/** By what a person signs in: the address, and the password. */
export function security(parts: {
  changes: AccountChanges;
  mfa: Pick<Mfa, 'read'>;
  passkeys: Pick<Passkeys, 'list' | 'relyingParty'>;
  issuer: string;
}): AccountPage {
  const { changes, mfa, passkeys, issuer } = parts;
  const { emails, passwordChanges } = changes;

  /** @returns what was done */
  async function act(exchange: HttpExchange, visit: AccountVisit, form: URLSearchParams): Promise<string> {
    const { accountId: userId, sessionId } = visit.session;
    const call = callOfVisit(exchange, visit);
    switch (form.get('action')) {
      case 'email':
        await emails.change(
          { userId, sessionId },
          validate(emailInput, { email: form.get('email') ?? '' }).email,
          call,
        );
        return 'email';
      case 'resend':
        await emails.resend({ userId, sessionId }, call);
        return 'email';
      default: {
        const typed = {
          currentPassword: form.get('currentPassword') ?? '',
          newPassword: form.get('newPassword') ?? '',
        };
        const kept = { ...call, deviceToken: readDeviceCookie(exchange.request, issuer) };
        await passwordChanges.change({ userId, sessionId }, validate(passwordInput, typed), kept);
        return 'password';
      }
    }
  }

  async function show(
    exchange: HttpExchange,
    visit: AccountVisit,
    form?: URLSearchParams,
    refusal?: Refusal,
  ): Promise<void> {
    const { security: texts } = visit.texts.account;
    const addresses = await emails.get(visit.session.accountId);
    const { accountId } = visit.session;
    const [state, listed, kept] = await Promise.all([
      mfa.read(accountId),
      passkeys.list(accountId),
      passwordChanges.kept(accountId),
    ]);
    const hasPasskeys = passkeys.relyingParty !== undefined || listed.length > 0;
    const page = accountLayout(visit, 'security', {
      problem: refusal?.problem,
      done: doneIn(visit, texts.done),
      body: html`<h2>${texts.email}</h2>
${emailPart(visit, addresses, form?.get('email') ?? '', refusal)}
<h2>${texts.password}</h2>
${keptPart(visit, kept)}${passwordForm(visit, refusal)}
<h2>${visit.texts.account.sections.twoStep}</h2>
${twoStepPart(visit, state)}${hasPasskeys && passkeysPart(visit, listed.length)}`,
    });
    sendPage(exchange.response, refusal?.status ?? 200, page);
  }

  return {
    path: PATH,
    isSensitive: true,
    get: (exchange, visit) => show(exchange, visit),
    async post(exchange, visit, form) {
      let done: string;
      try {
        done = await act(exchange, visit, form);
      } catch (error) {
        return show(exchange, visit, form, refusalOf(exchange, error, visit.texts, 'newPassword'));
      }
      goOn(exchange, visit.whenDone(done), issuer);
    },
  };
}

function emailPart(
  visit: AccountVisit,
  addresses: AccountAddresses,
  typed: string,
  refusal: Refusal | undefined,
): Part {
  const { security: texts } = visit.texts.account;
  const { email: present, isVerified, pendingEmail } = addresses;
  const problem = refusal?.fields.email;
  const resend = html`<form method="post" action="${PATH}">
${hidden({ token: visit.token })}<p class="actions"><button type="submit" class="second" name="action" value="resend">${texts.resend}</button></p>
</form>
`;
  return html`<p><strong>${present}</strong> <span class="small">${isVerified ? texts.verified : texts.unverified}</span></p>
${
  pendingEmail !== null &&
  html`<p class="note">${texts.pending(pendingEmail)}</p>
`
}${(!isVerified || pendingEmail !== null) && resend}<form method="post" action="${PATH}">
${hidden({ token: visit.token })}${field({
  ...{
    name: 'email',
    type: 'email',
    label: texts.newEmail,
    value: typed,
    maxLength: MAX_EMAIL_BYTES,
    autocomplete: 'email',
  },
  ...{ problem, isExact: true, isFirst: problem !== undefined },
})}<p class="actions"><button type="submit" name="action" value="email">${texts.changeEmail}</button></p>
</form>`;
}

function twoStepPart({ texts }: AccountVisit, { totpSinceMs }: MfaState): Part {
  const { on, off, begin, manage } = texts.account.twoStep;
  const isOn = totpSinceMs !== undefined;
  return html`<p>${isOn ? on : off}</p>
<p><a href="${ACCOUNT_PAGES.twoStep}">${isOn ? manage : begin}</a></p>`;
}

function passkeysPart({ texts }: AccountVisit, count: number): Part {
  const { sections, passkeys } = texts.account;
  return html`
<h2>${sections.passkeys}</h2>
<p>${count === 0 ? passkeys.none : passkeys.some(count)}</p>
<p><a href="${ACCOUNT_PAGES.passkeys}">${passkeys.manage}</a></p>`;
}

/** What a change of the password ends, and what it does not. */
function keptPart({ texts }: AccountVisit, { passkeys, apiKeys, apps }: KeptWays): Part {
  const { sections, security } = texts.account;
  const ways = [
    { path: ACCOUNT_PAGES.passkeys, name: sections.passkeys, count: passkeys },
    { path: ACCOUNT_PAGES.keys, name: sections.keys, count: apiKeys },
    { path: ACCOUNT_PAGES.apps, name: sections.apps, count: apps },
  ].filter(({ count }) => count > 0);
  const list = html`<p>${security.passwordStays}</p>
<ul>${ways.map(({ path, name, count }) => html`<li><a href="${path}">${name}: ${String(count)}</a></li>`)}</ul>
`;
  return html`<p>${security.passwordAbout}</p>
${ways.length > 0 && list}`;
}

function passwordForm(visit: AccountVisit, refusal: Refusal | undefined): Part {
  const { security: texts } = visit.texts.account;
  const { fields: problems = {} } = refusal ?? {};
  return html`<form method="post" action="${PATH}">
${hidden({ token: visit.token })}${field({
  ...{ name: 'currentPassword', type: 'password', label: texts.currentPassword, maxLength: MAX_PASSWORD_CHARACTERS },
  ...{ problem: problems.currentPassword, autocomplete: 'current-password' },
})}${field({
  ...{ name: 'newPassword', type: 'password', label: texts.newPassword, hint: visit.texts.signUp.passwordHint },
  ...{ problem: problems.newPassword, maxLength: MAX_PASSWORD_CHARACTERS, autocomplete: 'new-password' },
})}<p class="actions"><button type="submit" name="action" value="password">${texts.changePassword}</button></p>
</form>`;
}
