import type { Clock } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import { validate } from '#kit/validate.ts';
import { loginInput } from '../accounts/account-input.ts';
import type { Credentials } from '../accounts/credentials.ts';
import { sendPage } from '../html/send.ts';
import type { HttpExchange } from '../http/server.ts';
import type { Interactions } from '../oauth/interactions/interactions.ts';
import { CONSENT_PAGE, SIGN_IN_PAGE } from '../oauth/routes.ts';
import type { Profiles } from '../profiles/profiles.ts';
import type { BrowserSession } from '../sessions/browser-sessions.ts';
import type { OpenedSession, Sessions } from '../sessions/sessions.ts';
import type { Arrive } from './arriving.ts';
import { attempt } from './attempt.ts';
import type { Browsers } from './browsers.ts';
import { addressWith, type Destination, destinationOf, formOwnerOf, isSignInEnough } from './destination.ts';
import type { Forms } from './forms.ts';
import { goOn, type PageHandlers } from './page-handlers.ts';
import { expiredPage, foreignFormPage } from './problem-pages.ts';
import { refusalOf } from './refusals.ts';
import { type SignInPage, signInPage } from './sign-in-page.ts';
import { type Visit, visitOf } from './visit.ts';

export interface SignInDependencies {
  interactions: Interactions;
  browsers: Browsers;
  sessions: Pick<Sessions, 'open'>;
  credentials: Credentials;
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
  const { interactions, browsers, sessions, credentials, profiles, arrive, forms, issuer, clock } = dependencies;

  function show(exchange: HttpExchange, visit: Visit, page: Omit<SignInPage, 'token'>): void {
    const token = forms.tokenOf(exchange, SIGN_IN_PAGE, formOwnerOf(page.destination));
    sendPage(exchange.response, page.refusal?.status ?? 200, signInPage(visit, { ...page, token }));
  }

  /** A session in place of the one that the browser has; undefined when a code is needed besides. @throws OxoError when the credentials are nobody's */
  async function open(
    exchange: HttpExchange,
    { language }: Visit,
    destination: Destination,
    form: { identifier: string; password: string; otp: string },
  ): Promise<OpenedSession | undefined> {
    const clientId = 'interaction' in destination ? destination.interaction.client.id : undefined;
    const replaced = await browsers.current(exchange.request);
    const { entered } = await attempt(exchange, issuer, (source) => {
      const { device, deviceToken, context } = source;
      const from = { ...source, ...(clientId === undefined ? {} : { clientId }) };
      return credentials.signIn(validate(loginInput, { ...form, deviceToken }), from, ({ id }, by) =>
        sessions.open(id, device, { ...context, language }, { ...by, kind: 'BROWSER', replaced, clientId }),
      );
    });
    return entered;
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
      const confirmed = 'interaction' in destination ? undefined : await handleOf(profiles, exchange, session);
      show(exchange, visit, {
        destination,
        identifier: confirmed ?? hint ?? '',
        isConfirmation: confirmed !== undefined,
      });
    },
    async post(exchange, form) {
      const destination = await destinationOf(exchange, form, interactions);
      const here = destination === undefined ? SIGN_IN_PAGE : addressWith(SIGN_IN_PAGE, destination);
      const visit = visitOf(exchange.request, issuer, here);
      if (destination === undefined) return sendPage(exchange.response, 400, expiredPage(visit));
      if ('interaction' in destination && destination.interaction.prompt !== 'login')
        return sendPage(exchange.response, 400, expiredPage(visit));
      if (!forms.isOurs(exchange, SIGN_IN_PAGE, form, formOwnerOf(destination)))
        return sendPage(exchange.response, 403, foreignFormPage(visit));
      if (form.has('cancel') && 'interaction' in destination)
        return goOn(exchange, await interactions.abort(exchange, destination.interaction.id), issuer);
      const identifier = form.get('identifier') ?? '';
      const isConfirmation = form.has('confirm');
      const otp = form.get('otp') ?? undefined;
      const typed = { identifier, password: form.get('password') ?? '', otp: otp ?? '' };
      let session: OpenedSession | undefined;
      try {
        session = await open(exchange, visit, destination, typed);
      } catch (error) {
        const refusal = refusalOf(exchange, error, visit.texts);
        const asksCode = otp !== undefined;
        return show(exchange, visit, { destination, identifier, isConfirmation, asksCode, refusal });
      }
      if (session === undefined)
        return show(exchange, visit, { destination, identifier, isConfirmation, asksCode: true });
      await arrive(exchange, destination, session);
    },
  };
}

/** The handle of who is asked again; undefined when the user service is away: then it is typed. */
async function handleOf(
  profiles: Pick<Profiles, 'byId'>,
  { requestId }: HttpExchange,
  session: BrowserSession | undefined,
): Promise<string | undefined> {
  if (session === undefined) return undefined;
  try {
    return (await profiles.byId(session.accountId, { requestId }))?.handle;
  } catch (error) {
    if (error instanceof OxoError) return undefined;
    throw error;
  }
}
