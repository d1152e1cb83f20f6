import { connect } from 'node:net';
import { messageOf } from '../../local/cli/cli-error.ts';
import type { WorkloadCertificate } from './certificates.ts';

const connectTimeoutMs = 2_000;
/** Istiod renews when half of it is left. */
const leastShareLeft = 0.2;

/** A server outside the mesh, by its port on the loopback address. */
export type OutsideServer = { readonly name: string; readonly port: number };

/** What pods need and no pod is: who does not take connections. @param advice what to do about it */
export async function problemOfServer({ name, port }: OutsideServer, advice: string): Promise<string[]> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ port, host: '127.0.0.1', timeout: connectTimeoutMs });
  socket.once('connect', () => resolve(undefined));
  socket.once('timeout', () => resolve(`no connection in ${connectTimeoutMs / 1_000} s`));
  socket.once('error', (error) => resolve(messageOf(error)));
  const refusal = await promise.finally(() => socket.destroy());
  return refusal === undefined ? [] : [`${name} is away (${refusal}): people get errors. ${advice}`];
}

/** A certificate that should long have been renewed. */
export function problemOfCertificate(pod: string, { ageMs, leftMs }: WorkloadCertificate): string[] {
  if (leftMs > leastShareLeft * (ageMs + leftMs)) return [];
  const state = leftMs <= 0 ? 'has ended' : 'ends soon';
  return [`${pod}: its certificate ${state}, and istiod does not renew it. ./oxo mesh logs istiod`];
}
