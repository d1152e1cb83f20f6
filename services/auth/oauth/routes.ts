import { JWKS_PATH } from '../keys/jwks.ts';

export const DEVICE_PAGE = '/device';
export const SIGN_IN_PAGE = '/signin';
/** Where the second step of a sign-in is gone. */
export const CODE_PAGE = `${SIGN_IN_PAGE}/code`;
export const CONSENT_PAGE = '/consent';
export const SIGN_UP_PAGE = '/signup';
export const SIGN_OUT_PAGE = '/signout';
export const FORGOT_PAGE = '/forgot';
export const RESET_PAGE = '/reset';
export const VERIFY_PAGE = '/verify';
/** Where a change of the address is given up. */
export const KEEP_EMAIL_PAGE = '/keep-email';
export const ACCOUNT_PAGE = '/account';
export const ACCOUNT_PAGES = {
  overview: ACCOUNT_PAGE,
  profile: `${ACCOUNT_PAGE}/profile`,
  security: `${ACCOUNT_PAGE}/security`,
  sessions: `${ACCOUNT_PAGE}/sessions`,
  apps: `${ACCOUNT_PAGE}/apps`,
  keys: `${ACCOUNT_PAGE}/keys`,
  delete: `${ACCOUNT_PAGE}/delete`,
  twoStep: `${ACCOUNT_PAGE}/security/two-step`,
  passkeys: `${ACCOUNT_PAGE}/security/passkeys`,
} as const;
export const LANGUAGE_PAGE = '/language';

/** The paths of the provider by the names that it has for them. */
export const OAUTH_ROUTES = {
  authorization: '/oauth/authorize',
  code_verification: DEVICE_PAGE,
  device_authorization: '/oauth/device',
  end_session: '/oauth/logout',
  introspection: '/oauth/introspect',
  // We answer it ourselves; the provider tells others where it is.
  jwks: JWKS_PATH,
  registration: '/oauth/register',
  revocation: '/oauth/revoke',
  token: '/oauth/token',
  userinfo: '/oauth/userinfo',
};

/** A path of which a part is a variable ends with a slash: that part follows. */
export interface OAuthPath {
  path: string;
  methods: readonly string[];
}

/** What the provider answers; all else that it could answer is not there. */
export const OAUTH_PATHS: readonly OAuthPath[] = [
  { path: '/.well-known/openid-configuration', methods: ['GET', 'OPTIONS'] },
  { path: '/.well-known/oauth-authorization-server', methods: ['GET', 'OPTIONS'] },
  { path: OAUTH_ROUTES.authorization, methods: ['GET'] },
  { path: `${OAUTH_ROUTES.authorization}/`, methods: ['GET'] },
  { path: OAUTH_ROUTES.token, methods: ['POST', 'OPTIONS'] },
  { path: OAUTH_ROUTES.revocation, methods: ['POST', 'OPTIONS'] },
  { path: OAUTH_ROUTES.introspection, methods: ['POST', 'OPTIONS'] },
  { path: OAUTH_ROUTES.userinfo, methods: ['GET', 'POST', 'OPTIONS'] },
  { path: OAUTH_ROUTES.registration, methods: ['POST'] },
  { path: OAUTH_ROUTES.device_authorization, methods: ['POST', 'OPTIONS'] },
  { path: OAUTH_ROUTES.code_verification, methods: ['GET', 'POST'] },
  { path: `${OAUTH_ROUTES.code_verification}/`, methods: ['GET'] },
  { path: OAUTH_ROUTES.end_session, methods: ['GET'] },
  { path: `${OAUTH_ROUTES.end_session}/confirm`, methods: ['POST'] },
  { path: `${OAUTH_ROUTES.end_session}/success`, methods: ['GET'] },
];
