import type { ErrorOut, errors, KoaContextWithOIDC } from 'oidc-provider';
import type { DeviceProblem, OAuthPages } from './pages.ts';

type Context = KoaContextWithOIDC;

/** The page about a request that cannot go on. What went wrong inside is logged, and not told. */
export function errorPage(pages: OAuthPages) {
  return (ctx: Context, out: ErrorOut): void => {
    ctx.type = 'html';
    ctx.body = pages.failed({ error: out.error, description: out.error_description ?? '' });
  };
}

/** The provider asks for these with forms that it has made; ours have the same fields. */
export function devicePages(pages: OAuthPages) {
  const form = (ctx: Context) => ({ action: ctx.oidc.urlFor('code_verification'), xsrf: xsrfOf(ctx) });
  return {
    userCodeInputSource(ctx: Context, _form: string, _out?: ErrorOut, error?: errors.OIDCProviderError | Error): void {
      const userCode = error !== undefined && 'userCode' in error ? String(error.userCode ?? '') : '';
      ctx.type = 'html';
      ctx.body = pages.deviceCode({ ...form(ctx), userCode, problem: problemOf(error) });
    },
    userCodeConfirmSource(ctx: Context, _form: string, _client: unknown, _device: unknown, userCode: string): void {
      ctx.type = 'html';
      ctx.body = pages.deviceConfirm({ ...form(ctx), userCode, clientName: nameOf(ctx) ?? '' });
    },
    successSource(ctx: Context): void {
      ctx.type = 'html';
      ctx.body = pages.deviceDone({ clientName: nameOf(ctx) ?? '' });
    },
  };
}

export function signOutPages(pages: OAuthPages) {
  return {
    logoutSource(ctx: Context): void {
      ctx.type = 'html';
      ctx.body = pages.signOut({
        action: ctx.oidc.urlFor('end_session_confirm'),
        xsrf: xsrfOf(ctx),
        clientName: nameOf(ctx),
      });
    },
    postLogoutSuccessSource(ctx: Context): void {
      ctx.type = 'html';
      ctx.body = pages.signedOut({ clientName: nameOf(ctx) });
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

function nameOf(ctx: Context): string | undefined {
  const { client } = ctx.oidc;
  return client?.clientName ?? client?.clientId;
}
