import { z } from 'zod';
import { hasReason, OxoError } from '#kit/errors.ts';
import { validate } from '#kit/validate.ts';
import { requiredOtp } from '../../accounts/account-input.ts';
import type { Credentials, Enter } from '../../accounts/credentials.ts';
import { sendPage } from '../../html/send.ts';
import type { HttpExchange } from '../../http/server.ts';
import { otpInvalid } from '../../mfa/refusals.ts';
import type { Interactions } from '../../oauth/interactions/interactions.ts';
import { CODE_PAGE, CONSENT_PAGE, SIGN_IN_PAGE } from '../../oauth/routes.ts';
import type { Proof } from '../../sessions/factors.ts';
import type { OpenedSession } from '../../sessions/sessions.ts';
import type { SingleUse } from '../../tokens/single-use.ts';
import type { Arrive } from '../arriving.ts';
import { addressWith, type Destination, destinationOf, formOwnerOf } from '../destination.ts';
import type { Forms } from '../forms.ts';
import { goOn, type PageHandlers } from '../page-handlers.ts';
import { readPosted } from '../posted.ts';
import { expiredPage } from '../problem-pages.ts';
import { type Refusal, refusalOf } from '../refusals.ts';
import { type Visit, visitOf } from '../visit.ts';
import { codePage } from './code-page.ts';
import type { Opening } from './opening.ts';
import { signInPage } from './sign-in-page.ts';
import type { KeptStep, SignInSteps } from './steps.ts';

export interface CodeDependencies {
  interactions: Interactions;
  credentials: Pick<Credentials, 'finish'>;
  steps: SignInSteps;
  singleUse: Pick<SingleUse, 'spend'>;
  opening: Opening;
  arrive: Arrive;
  forms: Forms;
  issuer: string;
}

const input = z.object({ otp: requiredOtp() });

/** The second step of a sign-in, for who has typed the right password in this browser within the last ten minutes. */
export function code(dependencies: CodeDependencies): PageHandlers {
  const { interactions, credentials, steps, singleUse, opening, arrive, forms, issuer } = dependencies;

  function show(exchange: HttpExchange, visit: Visit, destination: Destination, refusal?: Refusal): void {
    const token = forms.tokenOf(exchange, CODE_PAGE, formOwnerOf(destination));
    const page = { destination, token, ...(refusal === undefined ? {} : { refusal }) };
    sendPage(exchange.response, refusal?.status ?? 200, codePage(visit, page));
  }

  /** It took too long, was done already, or the password is another one by now. */
  function startAgain(exchange: HttpExchange, visit: Visit, destination: Destination): void {
    steps.forget(exchange.response);
    const token = forms.tokenOf(exchange, SIGN_IN_PAGE, formOwnerOf(destination));
    const refusal = { status: 400, problem: visit.texts.signIn.stepOver, fields: {} };
    const page = signInPage(visit, { destination, token, refusal, identifier: '', isConfirmation: false });
    sendPage(exchange.response, refusal.status, page);
  }

  /** @throws OxoError when the code, or what came before it, counts for nothing */
  async function open(
    exchange: HttpExchange,
    visit: Visit,
    destination: Destination,
    { step, otp }: { step: KeptStep; otp: string },
  ): Promise<OpenedSession | undefined> {
    const typed = validate(input, { otp });
    const once = (proof: Proof): Proof => ({
      ...proof,
      async spend(tx) {
        if (!(await singleUse.spend(tx, step)))
          throw new OxoError('CREDENTIALS_INVALID', 'This sign-in was finished already.');
        await proof.spend(tx);
      },
    });
    const { entered } = await opening(exchange, visit, destination, (source, enter) => {
      const enterOnce: Enter<OpenedSession> = (account, by) => enter(account, { ...by, proof: once(by.proof) });
      return credentials.finish(step, typed.otp, source, enterOnce);
    });
    return entered;
  }

  return {
    async get(exchange) {
      const visit = visitOf(exchange.request, issuer);
      const destination = await destinationOf(exchange, exchange.query, interactions);
      if (destination === undefined) return sendPage(exchange.response, 400, expiredPage(visit));
      if ('interaction' in destination && destination.interaction.prompt !== 'login')
        return goOn(exchange, addressWith(CONSENT_PAGE, destination), issuer);
      if (steps.read(exchange.request) === undefined)
        return goOn(exchange, addressWith(SIGN_IN_PAGE, destination), issuer);
      show(exchange, visit, destination);
    },
    async post(exchange, form) {
      const posted = await readPosted(exchange, form, CODE_PAGE, { interactions, forms, issuer });
      if (posted === undefined) return;
      const { visit, destination } = posted;
      const step = steps.read(exchange.request);
      if (step === undefined) return startAgain(exchange, visit, destination);
      let session: OpenedSession | undefined;
      try {
        session = await open(exchange, visit, destination, { step, otp: form.get('otp') ?? '' });
      } catch (error) {
        if (hasReason(error, 'CREDENTIALS_INVALID')) return startAgain(exchange, visit, destination);
        return show(exchange, visit, destination, refusalOf(exchange, error, visit.texts));
      }
      // Nothing but what is passed over in a code: blanks and hyphens.
      if (session === undefined)
        return show(exchange, visit, destination, refusalOf(exchange, otpInvalid(), visit.texts));
      steps.forget(exchange.response);
      await arrive(exchange, destination, session);
    },
  };
}
