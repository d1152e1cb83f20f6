import type { IncomingMessage } from 'node:http';
import type { Clock } from '#kit/clock.ts';
import { callOf } from '../../http/call-of.ts';
import { readCookie } from '../../http/cookies.ts';
import { hashOf } from '../../tokens/hash.ts';
import { cookieOptions } from '../interactions/cookies.ts';
import type { Grants } from './grants.ts';

/** Ends the provider's session of the browser that sends the request, as the provider does when a client signs a person out. */
export function createEndBrowser(options: {
  grants: Pick<Grants, 'endBrowser'>;
  issuer: string;
  cookieSecrets: readonly string[];
  clock: Clock;
}): (pair: { request: IncomingMessage }, but?: { butOf: string }) => Promise<void> {
  const { grants, issuer, cookieSecrets, clock } = options;
  const { session: name } = cookieOptions(issuer, cookieSecrets).names;
  return async ({ request }, but) => {
    const id = readCookie(request.headers, name);
    if (id !== undefined) await grants.endBrowser(hashOf(id), callOf(request.headers, clock), { ...but, waits: true });
  };
}
