import type { Json } from './example-values.ts';
import type { HttpOperation, InputField } from './http-operations.ts';
import type { Schema } from './schemas.ts';

const rfc = (number: number, section = ''): string =>
  `[RFC ${number}${section === '' ? '' : `, section ${section}`}](https://www.rfc-editor.org/rfc/rfc${number}${section === '' ? '' : `#section-${section}`})`;
const openid = (name: string, path: string): string => `[${name}](https://openid.net/specs/${path})`;

const FORM = 'application/x-www-form-urlencoded';
const CLIENT_ID = 'Wk3n0aQ9vT2xLr7s';
const REDIRECT = 'https://reader.example/callback';
const SCOPE = 'openid profile feed:read';
const ID_TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIwMTkzOGMxZCJ9.c2lnbmF0dXJl';
const TOKEN = 'q7Lh2Zr0b1nU5tYx7cVw9eHsK8Qm';
const ADA = '01938c1d-7a5e-7c43-9d2b-5b1f0c6a7e11';

const text: Schema = { type: 'string' };
const texts: Schema = { type: 'array', items: text };

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
    description: `Opened in the person's browser, which comes back to redirect_uri with a code (${rfc(6749, '4.1')}). PKCE is required (${rfc(7636)}), and the answer names the issuer (${rfc(9207)}). What the person unticks is not in the token.`,
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
      prompt: { description: '"login", "consent" or "none". A refresh token needs "consent".' },
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
    description: `${rfc(6749, '5')}. grant_type is "authorization_code", "refresh_token", "client_credentials" or "urn:ietf:params:oauth:grant-type:device_code". A refresh token works once; used again, it ends what it came from. What a client gets for itself opens no RPC.`,
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
  return oauth({
    ...{ method: 'post', path, id: 'registerClient', inputType: 'application/json', status: 201 },
    summary: 'Registers an app',
    description: `${rfc(7591)}. Open to everybody, within limits. Redirects go to https, to a scheme of the app's own, or to the person's own machine.`,
    input: {
      client_name: { description: 'What people are shown.', example: one.client_name },
      redirect_uris: { description: 'Compared exactly.', schema: texts, required: true, example: one.redirect_uris },
      token_endpoint_auth_method: {
        description: '"none" for apps on people’s devices; "client_secret_basic" or "client_secret_post" for servers.',
        example: one.token_endpoint_auth_method,
      },
      application_type: { description: '"web" or "native".' },
      grant_types: { description: 'What it will ask for tokens by.', schema: texts },
      client_uri: { description: 'The page of the app, https.' },
    },
    ...answer('The client, with its secret if it has one: it is shown once.', object({ client_id: text }), {
      client_id: CLIENT_ID,
      ...one,
    }),
  });
}

function device(path: string): HttpOperation {
  const fields = { device_code: text, user_code: text, verification_uri: text, expires_in: { type: 'integer' } };
  return oauth({
    ...{ method: 'post', path, id: 'authorizeDevice', inputType: FORM },
    summary: 'Begins a sign-in on a device without a browser',
    description: `${rfc(8628)}. The person types user_code at verification_uri, on another device; this one asks for its tokens meanwhile.`,
    input: { client_id: { ...clientId, required: true }, client_secret: clientSecret, scope },
    ...answer('The codes.', object(fields), {
      device_code: 'Zr0b1nU5tYx7cVw9',
      user_code: 'WDJB-MJHT',
      verification_uri: 'https://oxo.example/device',
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
