import { OAUTH_ROUTES } from '../../../services/auth/oauth/routes.ts';
import { scopeText, TEXTS } from '../../../services/auth/pages/texts/texts.ts';
import { OAUTH_SCOPES } from '../../../services/auth/tokens/scopes.ts';
import type { Schema } from './schemas.ts';

/** How one shows who calls, for components.securitySchemes. */
export const securitySchemes: Record<string, Schema> = {
  bearerAuth: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'The accessToken that `POST /api/v1/auth/login` or `register` gives: an RS256 JWT for 15 minutes, renewed by `POST /api/v1/auth/refresh`. It has every scope of the person, and stands for a sign-in with us.',
  },
  oauth2: {
    type: 'oauth2',
    description:
      "For other people's apps: OAuth 2.1 with PKCE (S256), and OpenID Connect. An app registers at `POST /oauth/register`; devices without a browser use `POST /oauth/device`. The token is sent as a Bearer token, and does what the person has ticked.",
    flows: {
      authorizationCode: {
        authorizationUrl: OAUTH_ROUTES.authorization,
        tokenUrl: OAUTH_ROUTES.token,
        refreshUrl: OAUTH_ROUTES.token,
        scopes: Object.fromEntries(OAUTH_SCOPES.map((scope) => [scope, scopeText(TEXTS.en, scope)])),
      },
    },
  },
  apiKeyAuth: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Api-Key',
    description:
      'For programs of one’s own: a key by `POST /api/v1/api-keys` does what its scopes say, until it expires or is revoked. Send it or a Bearer token, not both.',
  },
};
