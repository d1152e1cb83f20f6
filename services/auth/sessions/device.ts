import { isIP } from 'node:net';
import type { CallContext } from '#kit/rpc/context.ts';

const MAX_USER_AGENT_CHARACTERS = 256;

/** Where a session is used, as its owner will see it in the list of sessions. */
export interface Device {
  /** At most 256 characters; empty when unknown. */
  userAgent: string;
  /** Empty when unknown. */
  ip: string;
}

/** The device that makes the call. The front door overwrites x-forwarded-for with the one address that it believes. */
export function deviceOf(context: Pick<CallContext, 'metadata'>): Device {
  const userAgent = context.metadata.get('user-agent') ?? '';
  const ip = context.metadata.get('x-forwarded-for')?.trim() ?? '';
  return { userAgent: userAgent.slice(0, MAX_USER_AGENT_CHARACTERS), ip: isIP(ip) === 0 ? '' : ip };
}
