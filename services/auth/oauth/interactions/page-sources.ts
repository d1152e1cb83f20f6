import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorOut, errors, KoaContextWithOIDC } from 'oidc-provider';
import { documentOf, type Page } from '../../html/document.ts';
import { CLEAR_CACHE, policyOf } from '../../html/policy.ts';
import { targetOf } from '../clients/redirect-uris.ts';
import type { DeviceProblem, OAuthPages } from './pages.ts';

type Context = KoaContextWithOIDC;

/** Codes that stood in the address of the page: filled in, so that nothing but the person's button sends them. */
const codesInAddress = new WeakMap<IncomingMessage, string>();

const withWrongCode = new WeakSet<ServerResponse>();

/** Whether the answer says that the code of a device is none: its status does not. */
export function wasCodeWrong(response: ServerResponse): boolean {
  return withWrongCode.has(response);
}

/** Takes the code out of the address: the provider would post it by a script. */
export function takeCodeOf(request: IncomingMessage, query: URLSearchParams): void {
  const code = query.get('user_code');
  if (code !== null) codesInAddress.set(request, code);
  query.delete('user_code');
  const [path] = (request.url ?? '').split('?');
  request.url = query.size === 0 ? path : `${path}?${query}`;
}

function show(ctx: Context, page: Page): void {
  ctx.type = 'html';
  ctx.set('content-security-policy', policyOf(page));
  ctx.body = documentOf(page);
}

/** For whoever makes the app: the library says only that it is not valid. */
const NO_CLIENT = 'There is no such client here: register the app, keep its client_id, and send that.';

/** The page about a request that cannot go on. What went wrong inside is logged, and not told. */
export function errorPage(pages: OAuthPages) {
  return (ctx: Context, out: ErrorOut): void => {
    const description = out.error === 'invalid_client' ? NO_CLIENT : (out.error_description ?? '');
    show(ctx, pages.failed(ctx.req, { error: out.error, description }));
  };
}

/** The provider asks for these with forms that it has made; ours have the same fields. */
export function devicePages(pages: OAuthPages) {
  const form = (ctx: Context) => ({ action: ctx.oidc.urlFor('code_verification'), xsrf: xsrfOf(ctx) });
  return {
    userCodeInputSource(ctx: Context, _form: string, _out?: ErrorOut, error?: errors.OIDCProviderError | Error): void {
      const typed = error !== undefined && 'userCode' in error ? String(error.userCode ?? '') : '';
      const userCode = codesInAddress.get(ctx.req) ?? typed;
      const problem = problemOf(error);
      if (problem === 'WRONG_CODE') withWrongCode.add(ctx.res);
      show(ctx, pages.deviceCode(ctx.req, { ...form(ctx), userCode, problem }));
    },
    userCodeConfirmSource(ctx: Context, _form: string, _client: unknown, _device: unknown, userCode: string): void {
      show(ctx, pages.deviceConfirm(ctx.req, { ...form(ctx), userCode, clientName: nameOf(ctx) ?? '' }));
    },
    successSource(ctx: Context): void {
      show(ctx, pages.deviceDone(ctx.req, { clientName: nameOf(ctx) ?? '' }));
    },
  };
}

export function signOutPages(pages: OAuthPages) {
  return {
    logoutSource(ctx: Context): void {
      show(
        ctx,
        pages.signOut(ctx.req, {
          action: ctx.oidc.urlFor('end_session_confirm'),
          xsrf: xsrfOf(ctx),
          clientName: nameOf(ctx),
          leadsTo: leadsTo(ctx),
        }),
      );
    },
    postLogoutSuccessSource(ctx: Context): void {
      ctx.set(...CLEAR_CACHE);
      show(ctx, pages.signedOut(ctx.req, { clientName: nameOf(ctx) }));
    },
  };
}

function problemOf(error: Error | undefined): DeviceProblem | undefined {
  if (error === undefined) return undefined;
  if (error.name === 'AbortedError') return 'ABORTED';
  const isAboutCode = ['NoCodeError', 'NotFoundError', 'ExpiredError', 'AlreadyUsedError'].includes(error.name);
  return isAboutCode ? 'WRONG_CODE' : 'FAILED';
}

function xsrfOf(ctx: Context): string {
  const secret = ctx.oidc.session?.state?.secret;
  return typeof secret === 'string' ? secret : '';
}

function leadsTo(ctx: Context): string | undefined {
  const uri = ctx.oidc.session?.state?.postLogoutRedirectUri;
  return typeof uri === 'string' ? targetOf(uri) : undefined;
}

function nameOf(ctx: Context): string | undefined {
  const { client } = ctx.oidc;
  return client?.clientName ?? client?.clientId;
}
