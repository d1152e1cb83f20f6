import { errors } from 'oidc-provider';
import { OFFERED_API_SCOPES, problemOfScopes } from '../../tokens/scopes.ts';
import { type ApplicationType, problemOfRedirectUri } from './redirect-uris.ts';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** How many of each list, and how long a text may be. */
export const MAX_REDIRECT_URIS = 10;
export const MAX_URI_CHARACTERS = 1_000;
export const MAX_NAME_CHARACTERS = 100;
const MAX_CONTACTS = 5;
const MAX_CONTACT_CHARACTERS = 254;
const MAX_SOFTWARE_CHARACTERS = 100;

/** What we would have to fetch from where the client says, or could not keep in a form that is worth nothing to a thief. */
const REFUSED = ['jwks', 'jwks_uri', 'sector_identifier_uri'];
const SHOWN_URIS = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'initiate_login_uri'];

/** Of a client that says nothing: it may go on when its person is away, once the person has agreed to that (`offline_access`). */
export const DEFAULT_METADATA = { grant_types: ['authorization_code', 'refresh_token'] };

/** Beyond what the library knows: RFC 7591 has them too. The library calls `checkMetadata` once for each. */
export const EXTRA_METADATA = ['software_id', 'software_version'];

type Metadata = Record<string, unknown>;

/**
 * What a client registers with (RFC 7591) is checked before the library reads it: what it holds is bounded, and nothing in it makes us
 * call somebody.
 * @throws errors.InvalidClientMetadata, which is `invalid_redirect_uri` where it is about one
 */
export function checkMetadata(metadata: Metadata): void {
  for (const name of REFUSED) if (metadata[name] !== undefined) refuse(`${name} is not supported`);
  checkText(metadata, 'client_name', MAX_NAME_CHARACTERS);
  for (const name of ['software_id', 'software_version']) checkText(metadata, name, MAX_SOFTWARE_CHARACTERS);
  for (const name of SHOWN_URIS) checkShownUri(metadata, name);
  checkList(metadata, 'contacts', MAX_CONTACTS, MAX_CONTACT_CHARACTERS);
  checkRedirectUris(metadata, 'redirect_uris');
  checkRedirectUris(metadata, 'post_logout_redirect_uris');
  checkText(metadata, 'scope', MAX_URI_CHARACTERS);
  const scopeProblem = problemOfScopes(String(metadata.scope ?? ''));
  if (scopeProblem !== undefined) refuse(`scope: ${scopeProblem.description}`);
  for (const name of ['grant_types', 'response_types', 'response_modes', 'default_acr_values']) {
    checkList(metadata, name, MAX_REDIRECT_URIS, MAX_NAME_CHARACTERS);
  }
  checkGrants(metadata);
}

function checkGrants({ grant_types: grants, token_endpoint_auth_method: method }: Metadata): void {
  const has = (grant: string) => Array.isArray(grants) && grants.includes(grant);
  if (has('client_credentials') && method === 'none') refuse('client_credentials needs a client that has a secret');
}

/**
 * What a client has left out when none of its grants sends a person's browser anywhere: a device, or a program of its own, has no redirects.
 * @param given the metadata as it was sent
 */
export function withoutRedirects(given: Metadata): Metadata {
  const { grant_types: grants, response_types: types, redirect_uris: uris } = given;
  const isWithout = Array.isArray(grants) && grants.length > 0 && !grants.includes('authorization_code');
  const hasNone = uris === undefined || (Array.isArray(uris) && uris.length === 0);
  return isWithout && hasNone && types === undefined ? { response_types: [], redirect_uris: [] } : {};
}

/** @throws errors.InvalidScope unless all of them are such as a client may have for itself, without a person */
export function checkOwnScopes(scope: unknown): void {
  const problem = problemOfScopes(String(scope ?? ''), OFFERED_API_SCOPES);
  if (problem !== undefined) throw new errors.InvalidScope(problem.description, problem.scope);
}

function checkRedirectUris(metadata: Metadata, name: string): void {
  const uris = metadata[name];
  if (uris === undefined) return;
  const type: ApplicationType = metadata.application_type === 'native' ? 'native' : 'web';
  if (!Array.isArray(uris) || uris.length > MAX_REDIRECT_URIS) refuse(`${name}: at most ${MAX_REDIRECT_URIS} URIs`);
  for (const uri of uris as unknown[]) {
    if (typeof uri !== 'string' || uri.length > MAX_URI_CHARACTERS) {
      refuse(`${name}: each at most ${MAX_URI_CHARACTERS} characters`);
    }
    const problem = problemOfRedirectUri(uri as string, type);
    if (problem !== undefined) refuse(`${name}: ${problem}`);
  }
}

function checkText(metadata: Metadata, name: string, maxCharacters: number): void {
  const value = metadata[name];
  if (value === undefined) return;
  if (typeof value !== 'string' || value.length > maxCharacters)
    refuse(`${name} must be at most ${maxCharacters} characters`);
  // Control characters, and what cannot be seen or turns the direction of what stands after it.
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u.test(value as string))
    refuse(`${name} must be one line of visible text`);
}

function checkShownUri(metadata: Metadata, name: string): void {
  const value = metadata[name];
  if (value === undefined) return;
  const isGood = typeof value === 'string' && value.length <= MAX_URI_CHARACTERS && /^https:\/\/[!-~]+$/.test(value);
  if (!isGood || URL.parse(value) === null)
    refuse(`${name} must be an https URI of at most ${MAX_URI_CHARACTERS} characters`);
}

function checkList(metadata: Metadata, name: string, maxItems: number, maxCharacters: number): void {
  const value = metadata[name];
  if (value === undefined) return;
  const isGood = (item: unknown) => typeof item === 'string' && item.length <= maxCharacters;
  if (!Array.isArray(value) || value.length > maxItems || !value.every(isGood)) {
    refuse(`${name} must be at most ${maxItems} texts of at most ${maxCharacters} characters`);
  }
}

function refuse(description: string): never {
  throw new errors.InvalidClientMetadata(description);
}
