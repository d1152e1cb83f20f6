import { z } from 'zod';
import { validate } from '#kit/validate.ts';
import type { AccountChanges } from '../accounts/account-changes.ts';
import { email, MAX_PASSWORD_CHARACTERS, mailedToken, newPassword } from '../accounts/account-input.ts';
import type { Attempts } from '../attempts/attempts.ts';
import { field, hidden } from '../html/fields.ts';
import { html, type Part } from '../html/html.ts';
import { sendPage } from '../html/send.ts';
import type { HttpExchange } from '../http/server.ts';
import { MAX_EMAIL_BYTES } from '../mail/email.ts';
import { FORGOT_PAGE, KEEP_EMAIL_PAGE, RESET_PAGE, SIGN_IN_PAGE, VERIFY_PAGE } from '../oauth/routes.ts';
import { networkOf } from '../origin/device.ts';
import type { Forms } from './forms.ts';
import { type Content, layout } from './layout.ts';
import { createMailToken, type MailToken } from './mail-token.ts';
import type { PageHandlers } from './page-handlers.ts';
import { foreignFormPage } from './problem-pages.ts';
import { type Refusal, refusalOf } from './refusals.ts';
import { callOfVisit, type Visit, visitOf } from './visit.ts';

export interface MailedParts {
  changes: AccountChanges;
  attempts: Pick<Attempts, 'verify'>;
  forms: Forms;
  issuer: string;
}

/** What one of these pages is made of. */
interface MailedPage {
  path: string;
  title(visit: Visit): string;
  /** Within its form. */
  fields(visit: Visit, typed: URLSearchParams | undefined, refusal: Refusal | undefined): Part;
  /** Does what it is for. @returns what to say of it */
  act(exchange: HttpExchange, visit: Visit, form: URLSearchParams): Promise<Part>;
  /** What a mail has to have brought. */
  token?: MailToken;
  /** Field for the password that is chosen. */
  newPassword?: string;
}

/** Asks where to mail a link by which another password can be chosen. Whether somebody has that address is not told. */
export function forgot({ changes, ...rest }: MailedParts): PageHandlers {
  return mailed(rest, {
    path: FORGOT_PAGE,
    title: ({ texts }) => texts.forgot.title,
    fields: ({ texts }, typed, refusal) => html`<p>${texts.forgot.about}</p>
${field({
  ...{
    name: 'email',
    type: 'email',
    label: texts.signUp.email,
    value: typed?.get('email') ?? '',
    maxLength: MAX_EMAIL_BYTES,
  },
  ...{ problem: refusal?.fields.email, autocomplete: 'email', isExact: true, isFirst: true },
})}<p class="actions"><button type="submit">${texts.forgot.submit}</button></p>`,
    async act(exchange, visit, form) {
      const input = validate(z.object({ email: email() }), { email: form.get('email') ?? '' });
      await changes.passwordResets.ask(input.email, callOfVisit(exchange, visit));
      return visit.texts.forgot.done;
    },
  });
}

/** Asks for another password, by the link that was mailed. All else that could act for the account ends. */
export function reset({ changes, ...rest }: MailedParts): PageHandlers {
  const token = createMailToken(RESET_PAGE, rest.issuer);
  return mailed(rest, {
    path: RESET_PAGE,
    title: ({ texts }) => texts.reset.title,
    token,
    newPassword: 'password',
    fields: ({ texts }, _, refusal) => html`<p>${texts.reset.about}</p>
${field({
  ...{
    name: 'password',
    type: 'password',
    label: texts.reset.password,
    hint: texts.signUp.passwordHint,
    maxLength: MAX_PASSWORD_CHARACTERS,
  },
  ...{ problem: refusal?.fields.password, autocomplete: 'new-password', isFirst: true },
})}<p class="actions"><button type="submit">${texts.reset.submit}</button></p>`,
    async act(exchange, visit, form) {
      const given = { token: token.read(exchange) ?? '', password: form.get('password') ?? '' };
      const input = validate(z.object({ token: mailedToken(), password: newPassword() }), given);
      await changes.passwordResets.reset(input, callOfVisit(exchange, visit));
      token.forget(exchange);
      const { done, signIn } = visit.texts.reset;
      return html`${done} <a href="${SIGN_IN_PAGE}">${signIn}</a>`;
    },
  });
}

/** Asks whether an address is the person's, by the link that was mailed to it. */
export function verify(parts: MailedParts): PageHandlers {
  return confirmed(parts, {
    path: VERIFY_PAGE,
    texts: ({ texts }) => texts.verify,
    act: parts.changes.emails.verify,
    done: ({ texts }) => texts.verify.done,
  });
}

/** Gives up a change of the address, by the link that was mailed to the one that there is. */
export function keepEmail(parts: MailedParts): PageHandlers {
  return confirmed(parts, {
    path: KEEP_EMAIL_PAGE,
    texts: ({ texts }) => texts.keepEmail,
    act: parts.changes.keepEmail,
    done: ({ texts }) => html`${texts.keepEmail.done} <a href="${FORGOT_PAGE}">${texts.forgot.title}</a>`,
  });
}

/** What nothing has to be typed for. */
interface Confirmation {
  path: string;
  texts(visit: Visit): { title: string; about: string; submit: string };
  act(token: string, call: ReturnType<typeof callOfVisit>): Promise<void>;
  done(visit: Visit): Part;
}

function confirmed({ attempts, forms, issuer }: MailedParts, { path, texts, act, done }: Confirmation): PageHandlers {
  const token = createMailToken(path, issuer);
  const parts = { forms, issuer };
  return mailed(parts, {
    path,
    title: (visit) => texts(visit).title,
    token,
    fields: (visit) => html`<p>${texts(visit).about}</p>
<p class="actions"><button type="submit">${texts(visit).submit}</button></p>`,
    async act(exchange, visit) {
      const input = validate(z.object({ token: mailedToken() }), { token: token.read(exchange) ?? '' });
      const attempt = await attempts.verify(networkOf(exchange.device.ip));
      await act(input.token, callOfVisit(exchange, visit));
      attempt.giveBack();
      token.forget(exchange);
      return done(visit);
    },
  });
}

function mailed({ forms, issuer }: Pick<MailedParts, 'forms' | 'issuer'>, page: MailedPage): PageHandlers {
  const { path, token } = page;
  const isReady = (exchange: HttpExchange) => token === undefined || token.read(exchange) !== undefined;

  function send({ response }: HttpExchange, visit: Visit, status: number, content: Omit<Content, 'title'>): void {
    sendPage(response, status, layout(visit, { title: page.title(visit), ...content }));
  }

  function show(exchange: HttpExchange, visit: Visit, typed?: URLSearchParams, refusal?: Refusal): void {
    const { texts } = visit;
    if (!isReady(exchange)) {
      const ways = html`<p><a href="${FORGOT_PAGE}">${texts.forgot.title}</a> · <a href="${SIGN_IN_PAGE}">${texts.signIn.title}</a></p>`;
      send(exchange, visit, 400, { problem: texts.refusals.EMAIL_TOKEN_INVALID, body: ways });
      return;
    }
    const form = html`<form method="post" action="${path}">
${hidden({ token: forms.tokenOf(exchange, path) })}${page.fields(visit, typed, refusal)}
</form>`;
    send(exchange, visit, refusal?.status ?? 200, { problem: refusal?.problem, body: form });
  }

  return {
    async get(exchange) {
      // Mail scanners follow links: nothing changes by that.
      if (token?.take(exchange)) return;
      show(exchange, visitOf(exchange.request, issuer));
    },
    async post(exchange, form) {
      const visit = visitOf(exchange.request, issuer, path);
      if (!forms.isOurs(exchange, path, form)) return sendPage(exchange.response, 403, foreignFormPage(visit));
      if (!isReady(exchange)) return show(exchange, visit);
      try {
        send(exchange, visit, 200, { done: await page.act(exchange, visit, form), body: html`` });
      } catch (error) {
        show(exchange, visit, form, refusalOf(exchange, error, visit.texts, page.newPassword));
      }
    },
  };
}
