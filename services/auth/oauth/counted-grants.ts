import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { CountSignIn, SignInMethod } from '../sign-ins/sign-in-metrics.ts';

/** What an app may show at the token endpoint. */
const METHOD_OF_GRANT: ReadonlyMap<unknown, SignInMethod> = new Map([
  ['authorization_code', 'oauth_code'],
  ['refresh_token', 'oauth_refresh'],
  ['urn:ietf:params:oauth:grant-type:device_code', 'device'],
  ['client_credentials', 'client'],
]);
/** A device asks these until somebody has agreed (RFC 8628): no refusal. */
const WAITING = new Set(['authorization_pending', 'slow_down']);

/** Counts what the token endpoint gives and refuses; a fault of ours is no refusal. */
export function countGrants(provider: Provider, count: CountSignIn): void {
  const methodOf = (ctx: KoaContextWithOIDC) => METHOD_OF_GRANT.get(ctx.oidc.params?.grant_type);
  provider.on('grant.success', (ctx) => {
    const method = methodOf(ctx);
    if (method !== undefined) count(method, 'ok');
  });
  provider.on('grant.error', (ctx, { error, statusCode }) => {
    const method = methodOf(ctx);
    if (method !== undefined && statusCode < 500 && !WAITING.has(error)) count(method, 'refused');
  });
}
