import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as oauth from 'openid-client';
import type { World } from './world.ts';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const insecure = { execute: [oauth.allowInsecureRequests] };

/** Somebody else's app, by an off-the-shelf library, on an origin of its own to which people come back. */
export type ThirdPartyApp = {
  readonly origin: string;
  readonly config: oauth.Configuration;
  /** @param more fields of the request of authorization */
  readonly ask: (scope: string, more?: Readonly<Record<string, string>>) => Promise<Asked>;
  /** The address at which it asks for a sign-out. */
  readonly signOut: (idToken: string) => string;
  /** What its page `/shown` is from now on. @returns the address */
  readonly show: (html: string, headers?: OutgoingHttpHeaders) => string;
  readonly close: () => void;
};

export type Asked = {
  /** For the browser. */
  readonly address: string;
  /** @param answer the address to which the person has come back @throws oauth.AuthorizationResponseError for a refusal */
  readonly tokens: (answer: string) => Promise<oauth.TokenEndpointResponse & oauth.TokenEndpointResponseHelpers>;
};

/** An app on the machine of its person, which can keep no secret. */
export async function startApp({ stack }: Pick<World, 'stack'>, name = 'Paper Crane'): Promise<ThirdPartyApp> {
  let shown: { html: string; headers: OutgoingHttpHeaders } = { html: '', headers: {} };
  const server = createServer(({ url = '/' }, response) => {
    const { html, headers } = url.startsWith('/shown') ? shown : { html: '<h1>Back at the app</h1>', headers: {} };
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers });
    response.end(html);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A case that fails does not come to close it: the tests end all the same.
  server.unref();
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [callback, signedOut] = [`${origin}/callback`, `${origin}/signed-out`];
  const config = await oauth.dynamicClientRegistration(
    new URL(stack.urls.frontDoor),
    {
      ...{ client_name: name, application_type: 'native', token_endpoint_auth_method: 'none' },
      ...{ redirect_uris: [callback], post_logout_redirect_uris: [signedOut] },
      grant_types: ['authorization_code', 'refresh_token', deviceGrant],
    },
    oauth.None(),
    insecure,
  );

  async function ask(scope: string, more: Readonly<Record<string, string>> = {}): Promise<Asked> {
    const pkceCodeVerifier = oauth.randomPKCECodeVerifier();
    const expectedState = oauth.randomState();
    const address = oauth.buildAuthorizationUrl(config, {
      ...{ redirect_uri: callback, scope, state: expectedState },
      code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...more,
    });
    const checks = { pkceCodeVerifier, expectedState };
    return {
      address: address.href,
      tokens: (answer) => oauth.authorizationCodeGrant(config, new URL(answer), checks),
    };
  }

  return {
    origin,
    config,
    ask,
    signOut: (idToken) =>
      oauth.buildEndSessionUrl(config, { id_token_hint: idToken, post_logout_redirect_uri: signedOut }).href,
    show(html, headers = {}) {
      shown = { html, headers };
      return `${origin}/shown`;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
