import type { IncomingMessage } from 'node:http';
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
  return deviceOfHeaders((name) => {
    const value = context.metadata.get(name);
    return typeof value === 'string' ? value : undefined;
  });
}

/** The device that makes a request. @param header gives a header, by its name in small letters */
export function deviceOfHeaders(header: (name: string) => string | undefined): Device {
  const userAgent = header('user-agent') ?? '';
  const ip = header('x-forwarded-for')?.trim() ?? '';
  return { userAgent: userAgent.slice(0, MAX_USER_AGENT_CHARACTERS), ip: isIP(ip) === 0 ? '' : ip };
}

/** The device that makes an HTTP request. */
export function deviceOfRequest({ headers }: Pick<IncomingMessage, 'headers'>): Device {
  return deviceOfHeaders((name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  });
}

/** Who makes the call, to those who share out what is scarce. */
export function askerOf(context: Pick<CallContext, 'metadata' | 'signal'>): { network: string; signal: AbortSignal } {
  return { network: networkOf(deviceOf(context).ip), signal: context.signal };
}

const IPV6_GROUPS = 8;
const SITE_GROUPS = 3;

/** What a provider gives to one customer: an IPv4 address, the first half of an IPv6 address. */
export function networkOf(ip: string): string {
  if (isIP(ip) !== 6 || ip.includes('.')) return ip;
  const [head = [], tail = []] = ip.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: IPV6_GROUPS - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].slice(0, IPV6_GROUPS / 2).join(':');
}

/** The /48 of IPv6 that a network lies in, which a provider gives to one company, or anybody rents. @returns undefined for IPv4 */
export function siteOf(network: string): string | undefined {
  return network.includes(':') && !network.includes('.')
    ? network.split(':').slice(0, SITE_GROUPS).join(':')
    : undefined;
}

/** What lies around a network: a /24 of IPv4, a /48 of IPv6. A device at home or on the move often comes back in the same. */
export function surroundingsOf(network: string): string {
  return siteOf(network) ?? (isIP(network) === 4 ? network.replace(/\.\d+$/, '') : network);
}
