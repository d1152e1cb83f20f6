import { DEVICE_GRANT } from '../../../services/auth/oauth/clients/client-metadata.ts';
import { REFRESH_GRACE_MS } from '../../../services/auth/oauth/lifetimes.ts';
import type { Json } from './example-values.ts';
import type { HttpOperation, InputField } from './http-operations.ts';
import type { Schema } from './schemas.ts';

const rfc = (number: number, section = ''): string =>
  `[RFC ${number}${section === '' ? '' : `, section ${section}`}](https://www.rfc-editor.org/rfc/rfc${number}${section === '' ? '' : `#section-${section}`})`;
const openid = (name: string, path: string): string => `[${name}](https://openid.net/specs/${path})`;

const GRACE_SECONDS = REFRESH_GRACE_MS / 1_000;
const FORM = 'application/x-www-form-urlencoded';
const CLIENT_ID = 'Wk3n0aQ9vT2xLr7s';
const REDIRECT = 'https://reader.example/callback';
const SCOPE = 'openid profile feed:read';
const ID_TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIwMTkzOGMxZCJ9.c2lnbmF0dXJl';
const TOKEN = 'q7Lh2Zr0b1nU5tYx7cVw9eHsK8Qm';
const ADA = '01938c1d-7a5e-7c43-9d2b-5b1f0c6a7e11';

const text: Schema = { type: 'string' };
const texts: Schema = { type: 'array', items: text };
const oneOf = (...values: string[]): Schema => ({ type: 'string', enum: values });

/** Fields that an answer has, of which those with a question mark may be missing; there may be more. */
function object(fields: Readonly<Record<string, Schema>>): Schema {
  const entries = Object.entries(fields);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace('?', ''), schema])),
    required: entries.map(([name]) => name).filter((name) => !name.endsWith('?')),
  };
}

const clientSecret: InputField = {
  description: 'Of a client that has one and does not send it as Basic authorization.',
};
const clientId: InputField = { description: 'The client, unless it stands in the header.', example: CLIENT_ID };
const someToken: InputField = { description: 'An access or a refresh token.', example: TOKEN, required: true };
const scope: InputField = { description: 'Scopes, with spaces between.', example: SCOPE };

type Routes = Readonly<
  Record<
    | 'authorization'
    | 'token'
    | 'userinfo'
    | 'revocation'
    | 'introspection'
    | 'registration'
    | 'device_authorization'
    | 'end_session',
    string
  >
>;

/** What auth serves by OAuth 2.1 and OpenID Connect. Pages, which people see, are not among it. */
export function oauthOperations(routes: Routes): HttpOperation[] {
  return [
    metadata('getOpenidConfiguration', '/.well-known/openid-configuration', 'Metadata of OpenID Connect'),
    metadata('getAuthorizationServer', '/.well-known/oauth-authorization-server', 'Metadata of OAuth'),
    authorization(routes.authorization),
    token(routes.token),
    userinfo(routes.userinfo),
    revocation(routes.revocation),
    introspection(routes.introspection),
    registration(routes.registration),
    device(routes.device_authorization),
    signOut(routes.end_session),
  ];
}

type Own = Omit<HttpOperation, 'tag' | 'errors' | 'status' | 'security'> &
  Partial<Pick<HttpOperation, 'status' | 'security'>>;

function oauth(own: Own): HttpOperation {
  return { tag: 'OAuth', errors: 'OAuthError', status: 200, security: [{}], ...own };
}

function answer(description: string, schema: Schema, example: Json): Pick<HttpOperation, 'output'> {
  return { output: { description, schema, example } };
}

function metadata(id: string, path: string, summary: string): HttpOperation {
  const issuer = 'https://oxo.example';
  const description = `Where everything is and what is supported: ${openid('OpenID Connect Discovery', 'openid-connect-discovery-1_0.html')}, ${rfc(8414)}. Apps need no other address.`;
  const schema = object({ issuer: text, authorization_endpoint: text, token_endpoint: text, jwks_uri: text });
  return oauth({
    ...{ method: 'get', id, path, summary, description },
    ...answer('The metadata.', schema, {
      issuer,
      authorization_endpoint: `${issuer}/oauth/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
    }),
  });
}

function authorization(path: string): HttpOperation {
  return oauth({
    ...{ method: 'get', path, id: 'authorize', status: 303 },
    summary: 'Asks a person to let an app in',
    description: `Opened in the person's browser, which comes back to redirect_uri with a code (${rfc(6749, '4.1')}). PKCE is required (${rfc(7636)}), and the answer names the issuer (${rfc(9207)}). What the person unticks is not in the token. "offline_access" is what gives a refresh token; a scope that does not exist, or that the app can never get, is answered with invalid_scope.`,
    input: {
      response_type: { description: 'Always "code".', required: true, example: 'code' },
      client_id: { description: 'The app.', required: true, example: CLIENT_ID },
      redirect_uri: {
        description: 'One of those that the app has registered.',
        required: true,
        example: REDIRECT,
      },
      scope,
      state: { description: 'Comes back as it is.', example: 'af0ifjsldkj' },
      code_challenge: {
        description: 'The SHA-256 of the verifier, in base64url.',
        required: true,
        example: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      },
      code_challenge_method: { description: 'Always "S256".', required: true, example: 'S256' },
      nonce: { description: 'Stands in the ID token.' },
      prompt: {
        description: '"login", "consent" or "none". Without it a person is asked for what they have not answered yet.',
      },
      max_age: { description: 'So many seconds ago at most the person has signed in.' },
    },
  });
}

function token(path: string): HttpOperation {
  const example = {
    access_token: TOKEN,
    token_type: 'Bearer',
    expires_in: 3600,
    scope: SCOPE,
    id_token: ID_TOKEN,
  };
  const fields = { access_token: text, token_type: text, expires_in: { type: 'integer' } };
  return oauth({
    ...{ method: 'post', path, id: 'issueToken', inputType: FORM },
    summary: 'Gives tokens for a code, a refresh token or a device',
    description: `${rfc(6749, '5')}. grant_type is "authorization_code", "refresh_token", "client_credentials" or "${DEVICE_GRANT}". A refresh token works once, and within ${GRACE_SECONDS} seconds once more, for an answer that was lost; used again later, it ends what it came from. So does a code of a redirect or of a device that is sent after it gave tokens. invalid_grant says that it has ended: forget the tokens and send the person to authorize again. What a client gets for itself opens no RPC.`,
    input: {
      grant_type: { description: 'What the tokens are asked for.', required: true, example: 'authorization_code' },
      client_id: clientId,
      client_secret: clientSecret,
      code: { description: 'From the redirect.', example: 'x2Qm8' },
      redirect_uri: { description: 'As when the code was asked for.', example: REDIRECT },
      code_verifier: {
        description: 'What the code_challenge was made of.',
        example: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      },
      refresh_token: { description: 'With the grant of that name.' },
      device_code: { description: 'With the grant of that name.' },
      scope: { description: 'Fewer scopes than were granted.' },
    },
    ...answer('The tokens.', object({ ...fields, 'scope?': text, 'id_token?': text, 'refresh_token?': text }), example),
  });
}

function userinfo(path: string): HttpOperation {
  const schema = object({ sub: text, 'name?': text, 'preferred_username?': text, 'email?': text });
  return oauth({
    ...{ method: 'get', path, id: 'getUserinfo', security: [{ oauth2: ['openid'] }] },
    summary: 'Who the person is',
    description: `What the scopes "profile" and "email" tell (${openid('OpenID Connect Core, section 5.3', 'openid-connect-core-1_0.html#UserInfo')}), for a token with "openid".`,
    ...answer('The claims.', schema, { sub: ADA, name: 'Ada Lovelace', preferred_username: 'ada' }),
  });
}

function revocation(path: string): HttpOperation {
  return oauth({
    ...{ method: 'post', path, id: 'revokeToken', inputType: FORM },
    summary: 'Ends a token',
    description: `${rfc(7009)}. It is refused everywhere within 2 seconds. A token that does not exist is ended as well.`,
    input: { token: someToken, client_id: clientId, client_secret: clientSecret },
  });
}

function introspection(path: string): HttpOperation {
  const schema = object({ active: { type: 'boolean' }, 'scope?': text, 'sub?': text, 'exp?': { type: 'integer' } });
  const example = { active: true, scope: SCOPE, sub: ADA, exp: 1_795_775_400 };
  return oauth({
    ...{ method: 'post', path, id: 'introspectToken', inputType: FORM },
    summary: 'Tells whether a token is valid',
    description: `${rfc(7662)}, for a client's own tokens. Of anything else it says only that it is not active.`,
    input: { token: someToken, client_id: clientId, client_secret: clientSecret },
    ...answer('What the token is.', schema, example),
  });
}

function registration(path: string): HttpOperation {
  const one = { client_name: 'My reader', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' };
  const given = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] };
  return oauth({
    ...{ method: 'post', path, id: 'registerClient', inputType: 'application/json', status: 201 },
    summary: 'Registers an app',
    description: `${rfc(7591)}. Open to everybody, within limits. Register once and keep client_id: a client is not changed or deleted, and is forgotten when nobody uses it for long. Redirects go to https; those of a native app also to http on the person's own machine (127.0.0.1 and [::1] with any port, localhost with the one registered), or to a scheme of its own, a domain name backwards such as com.example.app:/callback (${rfc(8252, '7')}).`,
    input: {
      client_name: { description: 'What people are shown. At most 100 characters.', example: one.client_name },
      redirect_uris: {
        description:
          'At most 10, compared exactly. Required unless grant_types has no authorization_code, as that of a device.',
        schema: texts,
        example: one.redirect_uris,
      },
      token_endpoint_auth_method: {
        description:
          '"none" for apps on people’s devices; "client_secret_basic", the default, or "client_secret_post" for servers, which get a secret.',
        schema: oneOf('none', 'client_secret_basic', 'client_secret_post'),
        example: one.token_endpoint_auth_method,
      },
      application_type: {
        description:
          '"web", the default, or "native": an app on a person’s own machine, or one with a secret while it is developed on yours.',
        schema: oneOf('web', 'native'),
      },
      grant_types: {
        description:
          'What it will ask for tokens by. "authorization_code" and "refresh_token" by default; a device needs the grant of devices, and "refresh_token" to stay connected.',
        schema: {
          type: 'array',
          items: oneOf('authorization_code', 'refresh_token', DEVICE_GRANT, 'client_credentials'),
        },
      },
      response_types: {
        description: '["code"], or [] for a client without redirects; follows from grant_types.',
        schema: { type: 'array', items: oneOf('code') },
      },
      scope: { description: 'All that it will ever ask for, with spaces between; any scope when it is left out.' },
      post_logout_redirect_uris: {
        description: 'Where people may come back to after signing out; as redirect_uris.',
        schema: texts,
      },
      contacts: { description: 'At most 5 addresses of email of who is responsible.', schema: texts },
      client_uri: { description: 'The page of the app, https.' },
      policy_uri: { description: 'What it does with data, https.' },
      tos_uri: { description: 'Its terms, https.' },
      logo_uri: { description: 'Kept, and not shown; https.' },
      software_id: { description: 'The same for every installation of the app.' },
      software_version: { description: 'Of the software, not of the client.' },
    },
    ...answer(
      'The client as it is registered, with what was left out filled in. client_secret is there when it has one, and is shown once.',
      object({
        ...{ client_id: text, client_id_issued_at: { type: 'integer' }, 'client_name?': text },
        ...{ 'client_secret?': text, 'client_secret_expires_at?': { type: 'integer' } },
        ...{ redirect_uris: texts, grant_types: texts, response_types: texts, token_endpoint_auth_method: text },
        ...{ application_type: text, 'scope?': text, 'post_logout_redirect_uris?': texts, 'contacts?': texts },
      }),
      { client_id: CLIENT_ID, client_id_issued_at: 1_795_775_400, ...one, ...given, application_type: 'web' },
    ),
  });
}

function device(path: string): HttpOperation {
  const fields = {
    ...{ device_code: text, user_code: text, verification_uri: text, verification_uri_complete: text },
    expires_in: { type: 'integer' },
  };
  return oauth({
    ...{ method: 'post', path, id: 'authorizeDevice', inputType: FORM },
    summary: 'Begins a sign-in on a device without a browser',
    description: `${rfc(8628)}. The person types user_code at verification_uri, on another device, or opens verification_uri_complete there, as by a QR code. This one asks for its tokens meanwhile, every 5 seconds, with the grant "${DEVICE_GRANT}": until the person is done the answer is authorization_pending.`,
    input: { client_id: { ...clientId, required: true }, client_secret: clientSecret, scope },
    ...answer('The codes.', object(fields), {
      device_code: 'Zr0b1nU5tYx7cVw9',
      user_code: 'WDJB-MJHT',
      verification_uri: 'https://oxo.example/device',
      verification_uri_complete: 'https://oxo.example/device?user_code=WDJB-MJHT',
      expires_in: 600,
    }),
  });
}

function signOut(path: string): HttpOperation {
  return oauth({
    ...{ method: 'get', path, id: 'endSession' },
    summary: 'Asks a person whether to sign out',
    description: `Opened in the person's browser, which comes back afterwards: ${openid('OpenID Connect RP-Initiated Logout', 'openid-connect-rpinitiated-1_0.html')}.`,
    input: {
      id_token_hint: { description: 'The ID token of the app.' },
      post_logout_redirect_uri: { description: 'One of those that the app has registered.' },
      state: { description: 'Comes back as it is.' },
    },
  });
}

/** An error of OAuth, for components.responses and components.schemas. */
export const oauthError = {
  response: {
    description: 'An error, as OAuth has it (RFC 6749, section 5.2).',
    content: {
      'application/json': {
        schema: { $ref: '#/components/schemas/OAuthError' },
        example: { error: 'invalid_grant', error_description: 'grant request is invalid' },
      },
    },
  },
  schema: object({ error: text, 'error_description?': text }),
};
