import { Access, type Access_SignedIn } from '#gen/oxo/common/v1/access.ts';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import { ANONYMOUS, API_KEY_CLIENT, type Caller, FIRST_PARTY_CLIENT, type UserCaller } from '#kit/identity/caller.ts';
import type { TokenVerifier } from '#kit/identity/token-verifier.ts';

/** Keys of our method options in ts-proto's unknown fields: field number × 8 + wire type (2 length-delimited, 0 varint). */
const ACCESS_OPTION = String((50_001 << 3) | 2);
const SUCCESS_STATUS_OPTION = String(50_002 << 3);

export interface MethodOptions {
  idempotencyLevel?: string;
  _unknownFields?: Record<string, readonly Uint8Array[]>;
}

/** The credentials that a call carries, as they came. */
export interface Credentials {
  authorization: string | undefined;
  onBehalfOf: string | undefined;
}

/** Decides who calls and whether they may. @throws OxoError when they may not */
export type Authorize = (credentials: Credentials, verifier: TokenVerifier, clock: Clock) => Caller | Promise<Caller>;

/** HTTP status of a success as the contract declares it; 200 when it declares none. */
export function successStatusOf(options: MethodOptions): number {
  const bytes = options._unknownFields?.[SUCCESS_STATUS_OPTION]?.at(-1);
  return bytes === undefined ? 200 : ((bytes[0] ?? 0) % 128) | ((bytes[1] ?? 0) << 7);
}

/**
 * Makes the access rule of an RPC from the option `oxo.common.v1.access` of its contract.
 * @throws Error when the RPC declares none: a server with such an RPC must not start
 */
export function accessRuleOf(path: string, options: MethodOptions): Authorize {
  const access = accessOf(options);
  if (access === undefined)
    throw new Error(`${path} declares no access: set option (oxo.common.v1.access) in its contract.`);
  if (access.open) return authorizeOpen;
  if (access.signedIn) return signedIn(access.signedIn);
  if (access.internal) return internal(access.internal.callers, access.internal.onBehalfOf);
  throw new Error(`${path} declares an access of no kind: open, signed_in or internal.`);
}

/** Whether only services may call the RPC. */
export function isInternal(options: MethodOptions): boolean {
  return accessOf(options)?.internal !== undefined;
}

/** The services that may call the RPC; none of an RPC that is not internal. */
export function callersOf(options: MethodOptions): readonly string[] {
  return accessOf(options)?.internal?.callers ?? [];
}

function accessOf(options: MethodOptions): Access | undefined {
  const bytes = options._unknownFields?.[ACCESS_OPTION]?.at(-1);
  // ts-proto keeps the length prefix of an unknown field: one byte, for an option of under 128 bytes, two for a longer one.
  return bytes === undefined ? undefined : Access.decode(bytes.subarray((bytes[0] ?? 0) < 128 ? 1 : 2));
}

function authorizeOpen({ authorization }: Credentials, verifier: TokenVerifier) {
  return authorization === undefined ? ANONYMOUS : verifier.verifyUser(bearerToken(authorization));
}

function signedIn({ scopes, maxSignInAgeSeconds, firstParty }: Access_SignedIn): Authorize {
  function admit(user: UserCaller, clock: Clock): UserCaller {
    if (firstParty && user.clientId !== FIRST_PARTY_CLIENT)
      throw new OxoError('FIRST_PARTY_ONLY', 'Neither clients nor API keys may do this. Sign in for it.');
    const missing = scopes.filter((scope) => !user.scopes.has(scope));
    if (missing.length > 0)
      throw new OxoError('SCOPE_MISSING', `The ${credentialOf(user)} lacks the scope ${missing.join(' ')}.`);
    if (maxSignInAgeSeconds > 0 && clock.nowMs() > user.signedInAtMs + maxSignInAgeSeconds * SECOND_MS)
      throw new OxoError('SIGN_IN_TOO_OLD', 'The last sign-in is too long ago for this. Sign in again.');
    return user;
  }
  return ({ authorization }, verifier, clock) => {
    const user = verifier.verifyUser(bearerToken(authorization));
    return user instanceof Promise ? user.then((verified) => admit(verified, clock)) : admit(user, clock);
  };
}

/** What the caller has shown, as they call it. The front door reads the scope out of this sentence (`status.lua`). */
function credentialOf({ clientId }: UserCaller): string {
  return clientId === API_KEY_CLIENT ? 'API key' : 'access token';
}

function internal(callers: readonly string[], needsOnBehalfOf: boolean): Authorize {
  const allowed = new Set(callers);
  return async ({ authorization, onBehalfOf }, verifier) => {
    const service = await verifier.verifyService(bearerToken(authorization));
    if (!allowed.has(service)) {
      throw new OxoError('CALLER_NOT_ALLOWED', `The service ${service} may not call this RPC.`);
    }
    if (needsOnBehalfOf && onBehalfOf === undefined) {
      throw new OxoError('TOKEN_MISSING', 'This call needs the token of the user on whose behalf it is made.');
    }
    const user = onBehalfOf === undefined ? undefined : await verifier.verifyUser(onBehalfOf);
    return { kind: 'service', service, onBehalfOf: user };
  };
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') {
    throw new OxoError('TOKEN_MISSING', 'This call needs an access token: Authorization: Bearer <token>.');
  }
  // The spellings that the front door reads: another one would pass its limits by person.
  const match = /^[Bb]earer ([^\s,]+)$/.exec(authorization);
  if (match?.[1] === undefined)
    throw new OxoError('TOKEN_INVALID', 'The Authorization header must be: Bearer <token>.');
  return match[1];
}
