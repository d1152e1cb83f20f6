import { z } from 'zod';
import { hasReason } from '#kit/errors.ts';
import { validate } from '#kit/validate.ts';
import { requiredOtp } from '../../../accounts/account-input.ts';
import type { Page } from '../../../html/document.ts';
import { sendPage } from '../../../html/send.ts';
import type { HttpExchange } from '../../../http/server.ts';
import type { Mfa } from '../../../mfa/mfa.ts';
import { ACCOUNT_PAGES } from '../../../oauth/routes.ts';
import type { Profiles } from '../../../profiles/profiles.ts';
import type { OnceForms } from '../../once.ts';
import { goOn } from '../../page-handlers.ts';
import { refusalOf } from '../../refusals.ts';
import type { AccountPage, AccountVisit } from '../../signed-in.ts';
import { callOfVisit } from '../../visit.ts';
import { doneIn } from '../layout.ts';
import { codesPage, confirmPage, enrolmentPage, statePage } from './two-step-pages.ts';

const PATH = ACCOUNT_PAGES.twoStep;
const input = z.object({ otp: requiredOtp() });
/** What shows secrets, or makes those from before worthless: done once for each form. */
const ONCE: readonly string[] = ['begin', 'renew'];

/** What is asked for besides the password: an authenticator app, and recovery codes. */
export function twoStep(parts: {
  mfa: Mfa;
  profiles: Pick<Profiles, 'byId'>;
  onceForms: Pick<OnceForms, 'use'>;
  issuer: string;
}): AccountPage {
  const { mfa, profiles, onceForms, issuer } = parts;

  /** @returns the page that answers, or the address where to go on */
  async function act(exchange: HttpExchange, visit: AccountVisit, form: URLSearchParams): Promise<Page | string> {
    const { session, texts } = visit;
    const { accountId, sessionId } = session;
    const owner = { userId: accountId, sessionId };
    const call = callOfVisit(exchange, visit);
    const action = form.get('action') ?? '';
    if (ONCE.includes(action) && !(await onceForms.use(PATH, session, form))) return visit.whenDone('again');
    switch (action) {
      case 'begin': {
        const user = await profiles.byId(accountId, exchange);
        const { secret } = await mfa.begin(owner);
        return enrolmentPage(visit, secret, user?.handle ?? accountId);
      }
      case 'confirm': {
        const { otp } = validate(input, { otp: form.get('otp') ?? '' });
        const codes = await mfa.confirm(owner, otp, call);
        return codesPage(visit, codes, texts.account.twoStep.done.on);
      }
      case 'renew': {
        const codes = await mfa.replaceRecoveryCodes(owner, call);
        return codesPage(visit, codes, texts.account.twoStep.done.renewed);
      }
      case 'disable':
        await mfa.disable(owner, call);
        return visit.whenDone('off');
      default:
        return PATH;
    }
  }

  return {
    path: PATH,
    isSensitive: true,
    async get(exchange, visit) {
      const { twoStep: texts, again } = visit.texts.account;
      const state = await mfa.read(visit.session.accountId);
      // It may be on again by now.
      const isOff = state.totpSinceMs === undefined;
      const said = doneIn(visit, isOff ? { off: texts.done.off, again } : { again });
      sendPage(exchange.response, 200, statePage(visit, state, { done: said }));
    },
    async post(exchange, visit, form) {
      let answer: Page | string;
      try {
        answer = await act(exchange, visit, form);
      } catch (error) {
        const refusal = refusalOf(exchange, error, visit.texts);
        // A form that was sent again: what it has made stands already.
        if (hasReason(error, 'MFA_ALREADY_ENROLLED')) return goOn(exchange, visit.whenDone('again'), issuer);
        const isCode = form.get('action') === 'confirm' && !hasReason(error, 'MFA_NOT_ENROLLED');
        const page = isCode
          ? confirmPage(visit, refusal)
          : statePage(visit, await mfa.read(visit.session.accountId), { refusal });
        return sendPage(exchange.response, refusal.status, page);
      }
      if (typeof answer === 'string') return goOn(exchange, answer, issuer);
      sendPage(exchange.response, 200, answer);
    },
  };
}
