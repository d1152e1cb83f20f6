/** An app on the person's own machine listens on a port that it gets when it starts (RFC 8252, section 7.3). */
const LOOPBACK = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::(\d{1,5}))?((?:\/[^\\#]*)?)$/;
const LOCALHOST = /^http:\/\/localhost(?::\d{1,5})?(?:\/[^\\#]*)?$/;
const HTTPS = /^https:\/\/[^/?#\\@]+(?:[/?][^\\#]*)?$/;
/**
 * A scheme of the app's own is a domain name backwards (RFC 8252, section 7.1). One without a dot could be anybody's, or mean something to
 * browsers, as `javascript:` and `data:` do.
 */
const PRIVATE_USE = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:\/[^\\#]*$/;
/** What may stand in a URI as it is; what a browser would take away or read as something else is not among it. */
const VISIBLE = /^[\x21-\x7e]+$/;
const MAX_PORT = 65_535;

export type ApplicationType = 'web' | 'native';

/**
 * What is wrong with a redirect URI that somebody wants to register; undefined when nothing is. `https` only, but for an app on the
 * person's machine, which may have a scheme of its own or say `http` with a loopback address; no fragment, no user, nothing that has two spellings.
 */
export function problemOfRedirectUri(uri: string, applicationType: ApplicationType): string | undefined {
  if (!VISIBLE.test(uri) || URL.parse(uri) === null) return 'must be an absolute URI of visible ASCII characters';
  if (uri.includes('#')) return 'must not have a fragment';
  if (uri.includes('\\')) return 'must not have a backslash';
  const { username, password, hostname, pathname } = new URL(uri);
  if (username !== '' || password !== '' || /^[a-z][a-z0-9+.-]*:\/\/[^/?]*@/i.test(uri)) return 'must not name a user';
  if (/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(uri.split('?', 1)[0] ?? '')) return 'must not have dot segments';
  if (applicationType === 'native' && (isLoopback(uri) || LOCALHOST.test(uri) || PRIVATE_USE.test(uri)))
    return undefined;
  if (!HTTPS.test(uri)) {
    return applicationType === 'native'
      ? 'must be https, http with 127.0.0.1, [::1] or localhost, or a scheme with a dot such as com.example.app:/callback'
      : 'must be https; an app on a person own machine, or one in development on yours, registers with application_type native';
  }
  if (hostname === '' || pathname === '') return 'must have a host';
  return undefined;
}

/**
 * Whether a request may name this URI: as it was registered, to the letter. Of a native app's loopback addresses the port is free; for
 * `localhost`, which may be somebody else, it is not.
 */
export function isRedirectAllowed(
  uri: unknown,
  registered: readonly string[],
  applicationType: ApplicationType | undefined,
): boolean {
  if (typeof uri !== 'string') return false;
  if (registered.includes(uri)) return true;
  if (applicationType !== 'native' || !isLoopback(uri)) return false;
  const asked = withoutPort(uri);
  return registered.some((other) => isLoopback(other) && withoutPort(other) === asked);
}

/** Where a redirect goes, as policies and people are told: an origin, or a scheme of the app's own with its colon. */
export function targetOf(uri: string): string | undefined {
  const { origin, protocol } = URL.parse(uri) ?? {};
  return origin === 'null' ? protocol : origin;
}

function isLoopback(uri: string): boolean {
  const [, , port = '80'] = LOOPBACK.exec(uri) ?? [undefined, undefined, '0'];
  return VISIBLE.test(uri) && Number(port) >= 1 && Number(port) <= MAX_PORT;
}

function withoutPort(uri: string): string {
  return uri.replace(LOOPBACK, '$1$3');
}
