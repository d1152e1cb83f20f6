import Provider from 'oidc-provider';
import { systemClock } from '#kit/clock.ts';
import type { AuditedCall } from '../../audit/audit-log.ts';
import { callOf } from '../../http/call-of.ts';
import { networkOf } from '../../origin/device.ts';
import type { FoundSession } from './session-rows.ts';

/** What is known of a request of the provider from one call of its library to the next, which are about different things. */
export interface RequestState {
  /** The refresh token that it brought, and the one that it shall get. */
  rotation?: { predecessor: Buffer; nextToken: string };
  /** The browser's session, as its row is. */
  session?: FoundSession;
  /** Of the sign-in that it has just been told of. */
  signInEpoch?: number;
}

const states = new WeakMap<object, RequestState>();

/** That of the present request; outside of one it is forgotten at once. */
export function requestState(): RequestState {
  const { ctx } = Provider;
  if (ctx === undefined) return {};
  const state = states.get(ctx) ?? {};
  states.set(ctx, state);
  return state;
}

/** The provider's name of where the present request goes to; empty outside of one. */
export function routeNow(): string {
  return Provider.ctx?.oidc.route ?? '';
}

export function networkNow(): string {
  return networkOf(callIds().device?.ip ?? '');
}

/** The present request, as the audit log and events tell of it. */
export function callIds(): AuditedCall {
  return callOf(Provider.ctx?.req.headers ?? {}, systemClock);
}
