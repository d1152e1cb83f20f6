import { type Configuration, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { systemClock } from '#kit/clock.ts';
import type { Consents } from '../../consents/consents.ts';
import { callOf } from '../../http/call-of.ts';
import type { BrowserAccounts } from './browser-accounts.ts';

type LoadGrant = NonNullable<Configuration['loadExistingGrant']>;

/**
 * What the person has granted the client already. A browser goes on with the grant that it has; a new one gets a grant of its own, without
 * a question, when the person has answered for every scope that is asked for now.
 *
 * Who confirms a code of a device is always asked: whoever made it may be somebody else. So is whom the client wants to be asked, and (by the
 * library) the person of an app that anybody on the machine may pretend to be.
 */
export function loadExistingGrant(consents: Pick<Consents, 'find' | 'grantAgain'>): LoadGrant {
  return async (ctx) => {
    const { oidc } = ctx;
    const { Grant } = oidc.provider;
    const decided = oidc.result?.consent?.grantId;
    if (decided !== undefined) return Grant.find(decided);
    if (oidc.route === 'code_verification' || oidc.route === 'device_resume') return undefined;

    const { clientId, applicationType } = oidc.client ?? {};
    const accountId = oidc.session?.accountId;
    if (clientId === undefined || accountId === undefined) return undefined;
    const asked = [...oidc.requestParamOIDCScopes];
    const id = oidc.session?.grantIdFor(clientId);
    const present = id === undefined ? undefined : await Grant.find(id);
    const known = present?.getOIDCScopeEncountered().split(' ') ?? [];
    if (present !== undefined && asked.every((scope) => known.includes(scope))) return present;

    if (oidc.promptPending('login') || oidc.promptPending('consent') || applicationType === 'native') return present;
    const { granted = [], refused = [] } = (await consents.find({ accountId, clientId })) ?? {};
    if (!asked.every((scope) => granted.includes(scope) || refused.includes(scope))) return present;
    const grant = new Grant({ accountId, clientId });
    const again = asked.filter((scope) => granted.includes(scope));
    grant.addOIDCScope(again.join(' '));
    grant.rejectOIDCScope(asked.filter((scope) => refused.includes(scope)).join(' '));
    await consents.grantAgain({ accountId, clientId }, again, callOf(ctx.req.headers, systemClock));
    await grant.save();
    return grant;
  };
}

/**
 * The library's own checks, and two more: whose account was ended since the sign-in has to sign in as somebody else; and the provider's
 * session counts only with that of our own pages, so that whatever ends the one ends the other, and both are of one person.
 */
export function promptPolicy(browsers: Pick<BrowserAccounts, 'accountOf'>): ReturnType<typeof interactionPolicy.base> {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  const isEnded = ({ oidc }: KoaContextWithOIDC) => oidc.session?.accountId !== undefined && oidc.account === undefined;
  const isSignedOut = async ({ oidc, req }: KoaContextWithOIDC) =>
    oidc.session?.accountId !== undefined &&
    oidc.result?.login === undefined &&
    (await browsers.accountOf(req)) !== oidc.session.accountId;
  const checks = policy.get('login')?.checks;
  checks?.add(
    new Check('account_ended', REQUIRED, 'login_required', (ctx) =>
      isEnded(ctx) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  );
  checks?.add(
    new Check('browser_session', REQUIRED, 'login_required', async (ctx) =>
      (await isSignedOut(ctx)) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  );
  return policy;
}

const REQUIRED = 'End-User authentication is required';
