import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import type { Consents } from '../../consents/consents.ts';
import { callOf } from '../../http/call-of.ts';
import { amrOf, type Factor } from '../../sessions/factors.ts';
import { inOrder } from '../../tokens/scopes.ts';
import { targetOf } from '../clients/redirect-uris.ts';
import { CONSENT_PAGE, SIGN_IN_PAGE } from '../routes.ts';
import type { SessionRows } from '../storage/session-rows.ts';

/** What a client waits for, as the pages need to know it. */
export interface OAuthInteraction {
  /** Stands in the page's address and must stand in its form, so that two tabs are not mixed up. Alone it is worth nothing. */
  id: string;
  /** `login`: somebody has to sign in. `consent`: who has signed in has to say what the client may do. */
  prompt: 'login' | 'consent';
  client: OAuthClient;
  /** Who has signed in in this browser; always there for a consent. */
  accountId: string | undefined;
  /** What the client asks for, in the order of OAUTH_SCOPES. `openid` can't be unticked: it is who the person is to the client. */
  scopes: string[];
  /** What the client says who wants to sign in. From the address: to be shown as text and no more. */
  loginHint: string | undefined;
  /** The client wants the person to show who they are, though they are signed in. */
  asksAnew: boolean;
  /** How long ago a sign-in may be that counts for the client; undefined when that does not matter. */
  maxSignInAgeMs: number | undefined;
  /** Of a device: there is no redirect, and the person has typed the code. */
  isDevice: boolean;
  /** Where the client gets the answer, an origin or a scheme of its own: what `form-action` has to allow besides 'self', since browsers apply it to redirects. */
  redirectOrigin: string | undefined;
}

/** Everything in it comes from whoever registered the client: to be shown as text, and links to be followed by the person alone. */
export interface OAuthClient {
  id: string;
  name: string;
  uri: string | undefined;
  policyUri: string | undefined;
  termsUri: string | undefined;
}

/**
 * The state of a request of a client while a person signs in and consents. It is bound to the browser by a signed cookie; the functions
 * give the address to which the person goes on (303).
 */
export interface Interactions {
  /**
   * What the browser's request of a client waits for.
   * @param id from the page's address or form
   * @returns undefined when there is none in this browser, or another one, or it is too old: the person has to start anew at the client
   */
  read(exchange: HttpPair, id: string): Promise<OAuthInteraction | undefined>;
  /** The person has signed in. @returns undefined as `read` */
  finishLogin(exchange: HttpPair, id: string, login: OAuthLogin): Promise<string | undefined>;
  /**
   * The person grants these of the scopes that the client asks for, and rejects the others; what was not asked for is passed over.
   * With none of them it is the same as `abort`. @returns undefined as `read`, or when nobody has signed in, or no longer may
   */
  finishConsent(exchange: HttpPair, id: string, consent: { scopes: readonly string[] }): Promise<string | undefined>;
  /** The person does not want to: the client gets `access_denied`. @returns undefined as `read` */
  abort(exchange: HttpPair, id: string): Promise<string | undefined>;
}

/** A sign-in by which an app is gone on to, as clients are told of it in ID tokens: `auth_time` and `amr`. */
export interface OAuthLogin {
  accountId: string;
  atMs: number;
  factors: readonly Factor[];
  /** Of the account when the session of the sign-in was there: in another one it gives nothing. */
  epoch: number;
}

export interface HttpPair {
  request: IncomingMessage;
  response: ServerResponse;
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>;

/** Where the provider sends a person. */
export function interactionUrl(interaction: { uid: string; prompt: { name: string } }): string {
  const page = interaction.prompt.name === 'login' ? SIGN_IN_PAGE : CONSENT_PAGE;
  return `${page}?interaction=${encodeURIComponent(interaction.uid)}`;
}

/** @param options.provider the one for the present keys */
export function createInteractions(options: {
  provider: () => Promise<Provider>;
  consents: Pick<Consents, 'record'>;
  sessionRows: Pick<SessionRows, 'epochOfQuestion'>;
  clock: Clock;
}): Interactions {
  const { provider, consents, sessionRows, clock } = options;

  /** Fails for all that is wrong with cookie and state; anything else is an error. */
  async function find({ request, response }: HttpPair, id: string) {
    const current = await provider();
    const details = await unlessEnded(current.interactionDetails(request, response));
    return details?.uid === id ? { current, details } : undefined;
  }

  async function finish(exchange: HttpPair, current: Provider, result: object): Promise<string | undefined> {
    const { request, response } = exchange;
    const options = { mergeWithLastSubmission: !('error' in result) };
    return unlessEnded(current.interactionResult(request, response, { ...result }, options));
  }

  const denied = { error: 'access_denied', error_description: 'the person has not agreed' };

  return {
    async read(exchange, id) {
      const found = await find(exchange, id);
      if (found === undefined) return undefined;
      const { current, details } = found;
      const client = await current.Client.find(String(details.params.client_id));
      return client === undefined ? undefined : interactionOf(details, client);
    },
    async finishLogin(exchange, id, { accountId, atMs, factors, epoch }) {
      const found = await find(exchange, id);
      if (found?.details.prompt.name !== 'login') return undefined;
      return finish(exchange, found.current, {
        login: { accountId, ts: Math.floor(atMs / SECOND_MS), amr: amrOf(factors), epoch },
      });
    },
    async finishConsent(exchange, id, { scopes }) {
      const found = await find(exchange, id);
      const accountId = found?.details.session?.accountId;
      if (found?.details.prompt.name !== 'consent' || accountId === undefined) return undefined;
      const { current, details } = found;
      const asked = scopesOf(details);
      const granted = asked.filter((scope) => scope === 'openid' || scopes.includes(scope));
      if (!asked.some((scope) => scopes.includes(scope))) return finish(exchange, current, denied);
      const refused = asked.filter((scope) => !granted.includes(scope));
      const parties = { accountId, clientId: String(details.params.client_id) };
      // What ends the sign-in after this finds the consent, or is found by it.
      const epoch = await sessionRows.epochOfQuestion(id, accountId);
      if (epoch === undefined) return undefined;
      if (
        !(await consents.record({ ...parties, epoch }, { granted, refused }, callOf(exchange.request.headers, clock)))
      )
        return undefined;
      // Each consent is a grant of its own, so that one that is narrower takes nothing from a device that has more.
      const grant = new current.Grant(parties);
      grant.addOIDCScope(granted.join(' '));
      if (refused.length > 0) grant.rejectOIDCScope(refused.join(' '));
      return finish(exchange, current, { consent: { grantId: await grant.save() } });
    },
    async abort(exchange, id) {
      const found = await find(exchange, id);
      return found === undefined ? undefined : finish(exchange, found.current, denied);
    },
  };
}

async function unlessEnded<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && error.name === 'SessionNotFound') return undefined;
    throw error;
  }
}
/** Reasons for a sign-in that one at our pages is good for: there is none here yet, or an old one, or of an account that has ended. */
const SIGN_IN_MISSING: ReadonlySet<string> = new Set(['no_session', 'max_age', 'account_ended', 'browser_session']);

function scopesOf({ params }: Details): string[] {
  const asked = typeof params.scope === 'string' ? params.scope.split(' ') : [];
  return inOrder(asked);
}

type FoundClient = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>;

function interactionOf(details: Details, client: FoundClient): OAuthInteraction {
  const { uid, prompt, params, session, deviceCode } = details;
  const text = (name: string) => (typeof params[name] === 'string' ? params[name] : undefined);
  return {
    id: uid,
    prompt: prompt.name === 'login' ? 'login' : 'consent',
    client: {
      id: client.clientId,
      name: client.clientName ?? client.clientId,
      uri: client.clientUri,
      policyUri: client.policyUri,
      termsUri: client.tosUri,
    },
    accountId: session?.accountId,
    scopes: scopesOf(details),
    loginHint: text('login_hint'),
    asksAnew: prompt.reasons.some((reason) => !SIGN_IN_MISSING.has(reason)),
    maxSignInAgeMs: params.max_age === undefined ? undefined : Number(params.max_age) * SECOND_MS,
    isDevice: deviceCode !== undefined,
    redirectOrigin: targetOf(text('redirect_uri') ?? ''),
  };
}
