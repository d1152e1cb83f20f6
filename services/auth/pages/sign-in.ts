import type { Clock } from '#kit/clock.ts';
import { validate } from '#kit/validate.ts';
import { loginInput } from '../accounts/account-input.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Credentials } from '../accounts/credentials.ts';
import { readDeviceCookie, setDeviceCookie } from '../attempts/device-cookie.ts';
import { sendPage } from '../html/send.ts';
import type { Exchange } from '../http/server.ts';
import type { Interactions, OAuthInteraction } from '../oauth/interactions/interactions.ts';
import { CONSENT_PAGE, SIGN_IN_PAGE } from '../oauth/routes.ts';
import type { FormTokens } from './form-tokens.ts';
import { goOn, type PageHandlers } from './page-handlers.ts';
import { expiredPage, foreignFormPage } from './problem-pages.ts';
import { refusalOf } from './refusals.ts';
import { type SignInPage, signInPage } from './sign-in-page.ts';
import { type Visit, visitOf } from './visit.ts';

export interface SignInDependencies {
  interactions: Interactions;
  accounts: Pick<Accounts, 'enter'>;
  credentials: Credentials;
  tokens: FormTokens;
  issuer: string;
  clock: Clock;
}

interface SignInForm {
  identifier: string;
  password: string;
}

/** Signs a person in, with the limits, the work and the words of the RPC Login. */
export function signIn(dependencies: SignInDependencies): PageHandlers {
  const { interactions, accounts, credentials, tokens, issuer, clock } = dependencies;
  const ownerOf = ({ id, accountId }: OAuthInteraction) => ({ page: SIGN_IN_PAGE, interactionId: id, accountId });

  function show({ response }: Exchange, visit: Visit, page: Omit<SignInPage, 'token'>): void {
    const token = tokens.tokenOf(ownerOf(page.interaction));
    sendPage(response, page.refusal?.status ?? 200, signInPage(visit, { ...page, token }));
  }

  /** @returns whose they are. @throws OxoError when they are nobody's */
  async function check(exchange: Exchange, { language }: Visit, clientId: string, form: SignInForm): Promise<string> {
    const { device, requestId, request, response } = exchange;
    const gone = new AbortController();
    const leave = () => gone.abort();
    response.once('close', leave);
    try {
      const deviceToken = readDeviceCookie(request, issuer);
      const attempt = {
        device,
        deviceToken,
        context: { requestId, signal: gone.signal },
        signal: gone.signal,
        clientId,
      };
      const signedIn = await credentials.signIn(
        validate(loginInput, { ...form, deviceToken: '' }),
        attempt,
        async ({ id }) => ((await accounts.enter(id, clientId, { requestId, device, language })) ? id : undefined),
      );
      setDeviceCookie(response, issuer, signedIn.deviceToken);
      return signedIn.entered;
    } finally {
      response.off('close', leave);
    }
  }

  const addressOf = (interaction: OAuthInteraction | undefined) =>
    interaction === undefined ? SIGN_IN_PAGE : `${SIGN_IN_PAGE}?interaction=${interaction.id}`;

  return {
    async get(exchange) {
      const visit = visitOf(exchange.request, issuer);
      const interaction = await interactions.read(exchange, exchange.query.get('interaction') ?? '');
      if (interaction === undefined) return sendPage(exchange.response, 400, expiredPage(visit));
      if (interaction.prompt !== 'login')
        return goOn(exchange, `${CONSENT_PAGE}?interaction=${interaction.id}`, issuer);
      show(exchange, visit, { interaction, identifier: interaction.loginHint ?? '' });
    },
    async post(exchange, form) {
      const interaction = await interactions.read(exchange, form.get('interaction') ?? '');
      const visit = visitOf(exchange.request, issuer, addressOf(interaction));
      if (interaction?.prompt !== 'login') return sendPage(exchange.response, 400, expiredPage(visit));
      if (!tokens.isTokenOf(ownerOf(interaction), form.get('token') ?? '')) {
        return sendPage(exchange.response, 403, foreignFormPage(visit));
      }
      if (form.has('cancel')) return goOn(exchange, await interactions.abort(exchange, interaction.id), issuer);
      const identifier = form.get('identifier') ?? '';
      let accountId: string;
      try {
        accountId = await check(exchange, visit, interaction.client.id, {
          identifier,
          password: form.get('password') ?? '',
        });
      } catch (error) {
        const refusal = refusalOf(exchange, error, visit.texts);
        return show(exchange, visit, { interaction, identifier, refusal });
      }
      const login = { accountId, atMs: clock.nowMs() };
      goOn(exchange, await interactions.finishLogin(exchange, interaction.id, login), issuer);
    },
  };
}
