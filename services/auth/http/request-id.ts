import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';

/** The id under which a request is found in logs. The server has put a well-formed one there; outside of a request it is new. */
export function requestIdOf(headers: IncomingHttpHeaders, clock: Clock): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' ? given : newId(clock.nowMs());
}
