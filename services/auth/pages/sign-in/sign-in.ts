import type { Clock } from '#kit/clock.ts';
import { validate } from '#kit/validate.ts';
import { loginInput } from '../../accounts/account-input.ts';
import type { Credentials, Enter, PasswordSource, SignedIn } from '../../accounts/credentials.ts';
import { sendPage } from '../../html/send.ts';
import type { HttpExchange } from '../../http/server.ts';
import type { Interactions } from '../../oauth/interactions/interactions.ts';
import { CODE_PAGE, CONSENT_PAGE, SIGN_IN_PAGE } from '../../oauth/routes.ts';
import { passkeySignInInput } from '../../passkeys/passkey-input.ts';
import type { PasskeySignIns } from '../../passkeys/passkey-sign-ins.ts';
import { passkeyInvalid } from '../../passkeys/refusals.ts';
import { handleIfThere, type Profiles } from '../../profiles/profiles.ts';
import type { BrowserSession } from '../../sessions/browser-sessions.ts';
import type { OpenedSession } from '../../sessions/sessions.ts';
import type { Arrive } from '../arriving.ts';
import type { Browsers } from '../browsers.ts';
import { addressWith, type Destination, destinationOf, formOwnerOf, isSignInEnough } from '../destination.ts';
import type { Forms } from '../forms.ts';
import { goOn, type PageHandlers } from '../page-handlers.ts';
import { type PasskeyQuestion, readCredential } from '../passkey-question.ts';
import { readPosted } from '../posted.ts';
import { expiredPage } from '../problem-pages.ts';
import { refusalOf } from '../refusals.ts';
import { type Visit, visitOf } from '../visit.ts';
import type { Opening } from './opening.ts';
import { type SignInPage, signInPage } from './sign-in-page.ts';
import type { SignInSteps } from './steps.ts';

export interface SignInDependencies {
  interactions: Interactions;
  browsers: Browsers;
  credentials: Pick<Credentials, 'signIn'>;
  steps: Pick<SignInSteps, 'begin'>;
  passkeySignIns: Pick<PasskeySignIns, 'signIn'>;
  passkeyQuestion: Pick<PasskeyQuestion, 'ofSignIn'>;
  opening: Opening;
  profiles: Pick<Profiles, 'byId'>;
  arrive: Arrive;
  forms: Forms;
  issuer: string;
  clock: Clock;
}

/**
 * Signs a person in, with the limits, the work and the words of the RPC Login: for what a client waits for, or for a page of ours. Who is
 * signed in already is asked again by `confirm=yes`, or when the client asks for it.
 */
export function signIn(dependencies: SignInDependencies): PageHandlers {
  const { interactions, browsers, credentials, passkeySignIns, passkeyQuestion, steps, opening } = dependencies;
  const { profiles, arrive, forms, issuer, clock } = dependencies;

  async function show(exchange: HttpExchange, visit: Visit, page: Omit<SignInPage, 'token'>): Promise<void> {
    const token = forms.tokenOf(exchange, SIGN_IN_PAGE, formOwnerOf(page.destination));
    const passkey = await passkeyQuestion.ofSignIn();
    sendPage(exchange.response, page.refusal?.status ?? 200, signInPage(visit, { ...page, token, passkey }));
  }

  /** @returns whether it was possible: whoever is signed in, and recently enough, need not do it again */
  async function passOn(exchange: HttpExchange, destination: Destination, session: BrowserSession): Promise<boolean> {
    if (!('interaction' in destination)) {
      if (exchange.query.get('confirm') === 'yes') return false;
      goOn(exchange, destination.back, issuer);
      return true;
    }
    const { interaction } = destination;
    if (!isSignInEnough(interaction, session, clock.nowMs())) return false;
    const { accountId, signedInAtMs: atMs, factors, epoch } = session;
    const login = { accountId, atMs, factors, epoch };
    goOn(exchange, await interactions.finishLogin(exchange, interaction.id, login), issuer);
    return true;
  }

  /**
   * By a passkey, where the browser has given one; else by what was typed.
   * @param confirmed whose confirmation it is: a passkey of somebody else's confirms nothing
   */
  function by(form: URLSearchParams, confirmed: string | undefined) {
    const [identifier, password] = [form.get('identifier') ?? '', form.get('password') ?? ''];
    const credential = form.get('credential') ?? '';
    return (source: PasswordSource, enter: Enter<OpenedSession>): Promise<SignedIn<OpenedSession>> => {
      const { deviceToken } = source;
      if (credential === '') {
        const typed = validate(loginInput, { identifier, password, otp: '', deviceToken });
        return credentials.signIn(typed, source, enter);
      }
      const given = validate(passkeySignInInput, { credential: readCredential(credential), deviceToken });
      return passkeySignIns.signIn(given.credential, source, async (account, letIn) => {
        if (confirmed !== undefined && account.id !== confirmed) throw passkeyInvalid();
        return enter(account, letIn);
      });
    };
  }

  return {
    async get(exchange) {
      const visit = visitOf(exchange.request, issuer);
      const destination = await destinationOf(exchange, exchange.query, interactions);
      if (destination === undefined) return sendPage(exchange.response, 400, expiredPage(visit));
      if ('interaction' in destination && destination.interaction.prompt !== 'login')
        return goOn(exchange, addressWith(CONSENT_PAGE, destination), issuer);
      const session = await browsers.current(exchange.request);
      if (session !== undefined && (await passOn(exchange, destination, session))) return;
      const hint = 'interaction' in destination ? destination.interaction.loginHint : undefined;
      // While the user service is away, the handle is typed.
      const isAskedAgain = !('interaction' in destination) && session !== undefined;
      const confirmed = isAskedAgain ? await handleIfThere(profiles, session.accountId, exchange) : undefined;
      await show(exchange, visit, {
        destination,
        identifier: confirmed ?? hint ?? '',
        isConfirmation: confirmed !== undefined,
      });
    },
    async post(exchange, form) {
      const posted = await readPosted(exchange, form, SIGN_IN_PAGE, { interactions, forms, issuer });
      if (posted === undefined) return;
      const { visit, destination } = posted;
      const identifier = form.get('identifier') ?? '';
      let signedIn: SignedIn<OpenedSession>;
      try {
        const confirmed = form.has('confirm') ? await browsers.current(exchange.request) : undefined;
        signedIn = await opening(exchange, visit, destination, by(form, confirmed?.accountId));
      } catch (error) {
        const refusal = refusalOf(exchange, error, visit.texts);
        return show(exchange, visit, { destination, identifier, isConfirmation: form.has('confirm'), refusal });
      }
      const { user, epoch, entered } = signedIn;
      if (entered !== undefined) return arrive(exchange, destination, entered);
      steps.begin(exchange.response, { accountId: user.id, epoch });
      goOn(exchange, addressWith(CODE_PAGE, destination), issuer);
    },
  };
}
