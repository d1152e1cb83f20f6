import { type ErrorOut, errors, type KoaContextWithOIDC } from 'oidc-provider';

type Context = KoaContextWithOIDC;
type Middleware = (ctx: Context, next: () => Promise<unknown>) => Promise<void>;

/**
 * Answers what goes wrong after the library has answered, when it keeps the browser's session: it would say so in bare text. Whoever is told
 * that something is away is told when to come again.
 * @param renderError shows a page, to who wants one
 */
export function answerLateErrors(renderError: (ctx: Context, out: ErrorOut) => void): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const isTold = error instanceof errors.OIDCProviderError && error.expose;
      const out = isTold ? toldOf(error) : { error: 'server_error', error_description: 'something went wrong' };
      ctx.remove('location');
      ctx.status = isTold ? error.statusCode : 500;
      if (ctx.accepts('json', 'html') === 'html') renderError(ctx, out);
      else ctx.body = out;
      if (!isTold) ctx.oidc.provider.emit('server_error', ctx, error);
    }
    if (ctx.status === 503) ctx.set('retry-after', '1');
  };
}

function toldOf({ error, error_description }: errors.OIDCProviderError): ErrorOut {
  return { error, ...(error_description === undefined ? {} : { error_description }) };
}
