import { z } from 'zod';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import { validate } from '#kit/validate.ts';
import { loginInput } from '../accounts/account-input.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Credentials } from '../accounts/credentials.ts';
import type { Exchange } from '../http/server.ts';
import type { Interactions, OAuthInteraction } from '../oauth/interactions/interactions.ts';
import { CONSENT_PAGE, SIGN_IN_PAGE } from '../oauth/routes.ts';
import type { FormTokens } from './form-tokens.ts';
import { sendPage } from './layout.ts';
import { goOn, type PageHandlers } from './page-handlers.ts';
import { expiredPage, foreignFormPage } from './problem-pages.ts';
import { type FieldProblems, type SignInPage, signInPage } from './sign-in-page.ts';

export interface SignInDependencies {
  interactions: Interactions;
  accounts: Pick<Accounts, 'enter'>;
  credentials: Credentials;
  tokens: FormTokens;
  issuer: string;
  clock: Clock;
}

/** Signs a person in, with the limits, the work and the words of the RPC Login. */
export function signIn(dependencies: SignInDependencies): PageHandlers {
  const { interactions, accounts, credentials, tokens, issuer, clock } = dependencies;
  const ownerOf = ({ id, accountId }: OAuthInteraction) => ({ page: SIGN_IN_PAGE, interactionId: id, accountId });

  function show(exchange: Exchange, status: number, page: Omit<SignInPage, 'token'>): void {
    sendPage(exchange.response, status, signInPage({ ...page, token: tokens.tokenOf(ownerOf(page.interaction)) }));
  }

  /** @returns whose they are. @throws OxoError when they are nobody's */
  async function check(exchange: Exchange, form: { identifier: string; password: string }): Promise<string> {
    const { device, requestId, response } = exchange;
    const gone = new AbortController();
    const leave = () => gone.abort();
    response.once('close', leave);
    try {
      const attempt = { device, context: { requestId, signal: gone.signal }, signal: gone.signal };
      const { entered } = await credentials.signIn(validate(loginInput, form), attempt, async ({ id }) =>
        (await accounts.enter(id)) ? id : undefined,
      );
      return entered;
    } finally {
      response.off('close', leave);
    }
  }

  return {
    async get(exchange) {
      const interaction = await interactions.read(exchange, exchange.query.get('interaction') ?? '');
      if (interaction === undefined) return sendPage(exchange.response, 400, expiredPage);
      if (interaction.prompt !== 'login')
        return goOn(exchange, `${CONSENT_PAGE}?interaction=${interaction.id}`, issuer);
      show(exchange, 200, { interaction, identifier: interaction.loginHint ?? '' });
    },
    async post(exchange, form) {
      const interaction = await interactions.read(exchange, form.get('interaction') ?? '');
      if (interaction?.prompt !== 'login') return sendPage(exchange.response, 400, expiredPage);
      if (!tokens.isTokenOf(ownerOf(interaction), form.get('token') ?? '')) {
        return sendPage(exchange.response, 403, foreignFormPage);
      }
      if (form.has('cancel')) return goOn(exchange, await interactions.abort(exchange, interaction.id), issuer);
      const identifier = form.get('identifier') ?? '';
      let accountId: string;
      try {
        accountId = await check(exchange, { identifier, password: form.get('password') ?? '' });
      } catch (error) {
        const { status, ...said } = refusalOf(exchange, error);
        return show(exchange, status, { interaction, identifier, ...said });
      }
      const login = { accountId, atMs: clock.nowMs() };
      goOn(exchange, await interactions.finishLogin(exchange, interaction.id, login), issuer);
    },
  };
}

const STATUSES = { CREDENTIALS_INVALID: 400, VALIDATION_FAILED: 400, RATE_LIMITED: 429, UNAVAILABLE: 503 } as const;
const refusing = z.enum(['CREDENTIALS_INVALID', 'VALIDATION_FAILED', 'RATE_LIMITED', 'UNAVAILABLE']);

/** How a refusal is shown. @throws what is none */
function refusalOf({ response }: Exchange, error: unknown): { status: number; problem: string; fields: FieldProblems } {
  const reason = refusing.safeParse(error instanceof OxoError ? error.reason : undefined);
  if (!(error instanceof OxoError) || !reason.success) throw error;
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) response.setHeader('retry-after', String(Math.ceil(retryAfterMs / SECOND_MS)));
  const fields = Object.fromEntries(error.fields.map(({ field, description }) => [field, `It ${description}.`]));
  const problem = reason.data === 'VALIDATION_FAILED' ? 'Something is missing or too long.' : error.message;
  return { status: STATUSES[reason.data], problem, fields };
}
