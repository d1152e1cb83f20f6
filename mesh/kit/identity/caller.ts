import { OxoError } from '#kit/errors.ts';

/** The client of those who have signed in with us. */
export const FIRST_PARTY_CLIENT = 'oxo';

/** The client of whoever calls with an API key. */
export const API_KEY_CLIENT = 'api-key';

/** A signed-in person. */
export interface UserCaller {
  kind: 'user';
  userId: string;
  sessionId: string;
  clientId: string;
  scopes: ReadonlySet<string>;
  /** When the person last showed who they are, in milliseconds since the epoch; 0 when the token does not tell. A refresh does not count. */
  signedInAtMs: number;
  /** The verified token, to be passed on when another service is called on the person's behalf. */
  token: string;
}

/** One of our own services. */
export interface ServiceCaller {
  kind: 'service';
  service: string;
  /** The person on whose behalf the service calls, when there is one. */
  onBehalfOf: UserCaller | undefined;
}

export interface AnonymousCaller {
  kind: 'anonymous';
}

export type Caller = UserCaller | ServiceCaller | AnonymousCaller;

export const ANONYMOUS: AnonymousCaller = { kind: 'anonymous' };

/** Whatever carries a verified caller: every call's context does. */
export interface WithCaller {
  caller: Caller;
}

/** The person for whom the call is made, whether directly or through one of our services; undefined for nobody. */
export function viewerOf({ caller }: WithCaller): UserCaller | undefined {
  if (caller.kind === 'user') return caller;
  return caller.kind === 'service' ? caller.onBehalfOf : undefined;
}

/**
 * The person for whom the call is made.
 * @throws OxoError TOKEN_MISSING when there is none; the access rule of the RPC should have said so before
 */
export function requireViewer(context: WithCaller): UserCaller {
  const viewer = viewerOf(context);
  if (viewer === undefined) throw new OxoError('TOKEN_MISSING', 'This call needs an access token.');
  return viewer;
}

/**
 * The service of ours that calls.
 * @throws OxoError CALLER_NOT_ALLOWED when none does; the access rule of the RPC should have said so before
 */
export function requireService({ caller }: WithCaller): string {
  if (caller.kind !== 'service') throw new OxoError('CALLER_NOT_ALLOWED', 'Only a service may call this RPC.');
  return caller.service;
}
