import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Clock } from '#kit/clock.ts';
import { OxoError, unavailable } from '#kit/errors.ts';
import type { UserCaller } from '#kit/identity/caller.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { SECRET_ID_CLAIM } from '#kit/identity/service-token.ts';
import { isId } from '#kit/ids.ts';
import { measureCache } from '#kit/observability/cache-metrics.ts';
import type { Metrics } from '#kit/observability/metrics.ts';

/** Audience of the tokens of people, and of those by which our services know each other. */
export const USER_AUDIENCE = 'oxo-api';
export const SERVICE_AUDIENCE = 'oxo-internal';
/** The `typ` of every access token (RFC 9068). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

const SERVICE_SUBJECT_PREFIX = 'service:';
const MAX_CACHED_TOKENS = 20_000;
const MAX_TOKEN_BYTES = 4_096;
const JWKS_TIMEOUT_MS = 2_000;

export interface TokenVerifier {
  /** The person whom the access token stands for. @throws OxoError TOKEN_INVALID, SESSION_REVOKED, UNAVAILABLE */
  verifyUser(token: string): UserCaller | Promise<UserCaller>;
  /** The name of the service that the token stands for. @throws OxoError TOKEN_INVALID, UNAVAILABLE */
  verifyService(token: string): string | Promise<string>;
}

interface Cached<Value> {
  value: Value;
  kid: string;
  expiresAtMs: number;
}

const userClaims = z.object({
  // A person, and nobody else: not a service, nor a client for itself.
  sub: z.string().refine(isId),
  sid: z.string(),
  client_id: z.string(),
  scope: z.string(),
  auth_time: z.number().default(0),
  exp: z.number(),
});
const serviceClaims = z.object({
  sub: z.string().startsWith(SERVICE_SUBJECT_PREFIX),
  exp: z.number(),
  // Auth needs no secret for its own.
  [SECRET_ID_CLAIM]: z.string().default(''),
});
interface KnownService {
  name: string;
  secretId: string;
}

/** Where the public keys come from. */
export interface PublicKeys {
  /** Finds the key of a token. */
  find: JWTVerifyGetKey;
  /** Gets them anew. Rejects when they cannot be had; those at hand stay. */
  reload(): Promise<void>;
  /** Whether they could be had when they were last asked for, where that is elsewhere. */
  couldBeHad?(): boolean;
}

/**
 * Keys from a JWKS URL: an unknown `kid` fetches them again, at most once in two seconds.
 * @param jwksUrls the same keys, at each replica of auth: whoever does not answer is passed over
 */
export function remoteKeys(jwksUrls: readonly string[]): PublicKeys {
  const [first] = jwksUrls;
  if (first === undefined) throw new Error('There is no JWKS URL.');
  let couldBeHad = true;
  const find = createRemoteJWKSet(new URL(first), {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: 2_000,
    cacheMaxAge: 300_000,
    [customFetch]: async (_, options) => {
      couldBeHad = false;
      const response = await fetchFirst(jwksUrls, options);
      couldBeHad = response.ok;
      return response;
    },
  });
  return { find, reload: find.reload, couldBeHad: () => couldBeHad };
}

async function fetchFirst(urls: readonly string[], options: Parameters<FetchImplementation>[1]): Promise<Response> {
  const [first = '', ...others] = urls;
  if (others.length === 0) return fetch(first, options);
  try {
    // A replica that is frozen must leave time for the next.
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(JWKS_TIMEOUT_MS / urls.length)]);
    const response = await fetch(first, { ...options, signal });
    if (response.ok) return response;
    await response.body?.cancel();
  } catch {
    options.signal.throwIfAborted();
  }
  return fetchFirst(others, options);
}

/**
 * Verifies RS256 access tokens: signature, type, issuer, audience and expiry, and whether the session was revoked, the key dropped, or the secret
 * by which a service got it.
 * A verified token is remembered until it expires, so that a token costs one signature check a process.
 * @param options.keys finds the public key of a token; see `remoteKeys`
 * @param options.secretCounts of the secret with this id, where that is known besides the deny-list
 * @param options.metrics where the memory of tokens is measured
 */
export function createTokenVerifier(options: {
  keys: JWTVerifyGetKey;
  issuer: string;
  denyList: DenyList;
  clock: Clock;
  secretCounts?: (secretId: string) => boolean;
  metrics?: Metrics;
}): TokenVerifier {
  const { keys, issuer, denyList, clock, metrics, secretCounts = () => true } = options;
  const userTokens = measureCache(metrics, 'tokens', () => users.size);
  const serviceTokens = measureCache(metrics, 'service_tokens', () => services.size);
  const users = new LRUCache<string, Cached<UserCaller>>({ max: MAX_CACHED_TOKENS, dispose: userTokens.disposed });
  const services = new LRUCache<string, Cached<KnownService>>({ max: 1_000, dispose: serviceTokens.disposed });

  async function verify<Claims>(token: string, audience: string, schema: z.ZodType<Claims>) {
    if (token.length > MAX_TOKEN_BYTES) throw invalidToken();
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms: ['RS256'],
      typ: ACCESS_TOKEN_TYPE,
      issuer,
      audience,
      currentDate: new Date(clock.nowMs()),
      requiredClaims: ['sub', 'exp', 'iat', 'jti'],
    }).catch((error: unknown) => {
      throw isKeyFetchFailure(error) ? unavailable('The signing keys cannot be fetched.', error) : invalidToken(error);
    });
    const claims = schema.safeParse(payload);
    const { kid = '' } = protectedHeader;
    // A key that leaked may stand in a cache of the keys for a while.
    if (!claims.success || denyList.isDenied(kid)) throw invalidToken();
    return { claims: claims.data, kid };
  }

  function refuseRevoked(user: UserCaller): UserCaller {
    if (denyList.isDenied(user.sessionId) || denyList.isDenied(user.userId)) {
      throw new OxoError('SESSION_REVOKED', 'The session was signed out. Sign in again.');
    }
    return user;
  }

  async function verifyNewUser(token: string): Promise<UserCaller> {
    const { claims, kid } = await verify(token, USER_AUDIENCE, userClaims);
    const user: UserCaller = {
      kind: 'user',
      userId: claims.sub,
      sessionId: claims.sid,
      clientId: claims.client_id,
      scopes: new Set(claims.scope.split(' ')),
      signedInAtMs: claims.auth_time * 1_000,
      token,
    };
    users.set(token, { value: user, kid, expiresAtMs: claims.exp * 1_000 });
    return refuseRevoked(user);
  }

  async function verifyNewService(token: string): Promise<string> {
    const { claims, kid } = await verify(token, SERVICE_AUDIENCE, serviceClaims);
    const service = { name: claims.sub.slice(SERVICE_SUBJECT_PREFIX.length), secretId: claims[SECRET_ID_CLAIM] };
    services.set(token, { value: service, kid, expiresAtMs: claims.exp * 1_000 });
    return nameOf(service);
  }

  function nameOf({ name, secretId }: KnownService): string {
    if (secretId !== '' && (denyList.isDenied(secretId) || !secretCounts(secretId))) throw invalidToken();
    return name;
  }

  // Answers at once, without a promise, for a token that is known: every request passes here.
  function cached<Value>(cache: LRUCache<string, Cached<Value>>, token: string): Value | undefined {
    const entry = cache.get(token);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > clock.nowMs() && !denyList.isDenied(entry.kid)) return entry.value;
    cache.delete(token);
    throw invalidToken();
  }

  return {
    verifyUser(token) {
      const user = cached(users, token);
      if (user !== undefined) {
        userTokens.hit();
        return refuseRevoked(user);
      }
      userTokens.miss();
      return verifyNewUser(token);
    },
    verifyService(token) {
      const service = cached(services, token);
      if (service !== undefined) {
        serviceTokens.hit();
        return nameOf(service);
      }
      serviceTokens.miss();
      return verifyNewService(token);
    },
  };
}

function invalidToken(cause?: unknown): OxoError {
  return new OxoError('TOKEN_INVALID', 'The access token is not valid or has expired.', { cause });
}

function isKeyFetchFailure(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout) return true;
  // jose reports a refused connection as the fetch's own TypeError and a bad answer as a plain JOSEError.
  return !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC';
}
