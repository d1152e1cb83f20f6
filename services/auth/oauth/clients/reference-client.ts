import type { ClientMetadata, Clients } from './clients.ts';
import { problemOfRedirectUri } from './redirect-uris.ts';

/** The API reference (`gateway/web`), by which people sign in there to try requests. `docs.js` has the same name. */
export const REFERENCE_CLIENT = 'api-reference';
const REDIRECT_PATH = '/docs/signed-in';

/**
 * Knows the API reference of this installation without anybody registering it: a client as any other, without a secret, that comes back to
 * our own address alone and asks for consent. It is stored when somebody first asks for it, and again after it was forgotten.
 * @param issuer the public URL of this installation
 */
export function withReferenceClient(clients: Clients, issuer: string): Clients {
  const metadata = metadataFor(issuer);
  if (metadata === undefined) return clients;
  const redirects = String(metadata.redirect_uris);
  return {
    ...clients,
    async find(id) {
      const found = await clients.find(id);
      // Another one when the installation has another address by now.
      if (id !== REFERENCE_CLIENT || String(found?.redirect_uris) === redirects) return found;
      await clients.upsert(id, metadata);
      return clients.find(id);
    },
  };
}

/** Undefined where the address is such as no client may come back to: http, and not of this machine. */
function metadataFor(issuer: string): ClientMetadata | undefined {
  const redirectUri = new URL(REDIRECT_PATH, issuer).href;
  const type = redirectUri.startsWith('https:') ? 'web' : 'native';
  if (problemOfRedirectUri(redirectUri, type) !== undefined) return undefined;
  return {
    client_id: REFERENCE_CLIENT,
    client_name: 'API reference',
    application_type: type,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
}
