import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '#kit/clock.ts';
import type { AuditedCall } from '../audit/audit-log.ts';
import { deviceOfHeaders } from '../sessions/device.ts';
import { requestIdOf } from './request-id.ts';

/** A request by HTTP, as the audit log and events tell of it. */
export function callOf(headers: IncomingHttpHeaders, clock: Clock): AuditedCall {
  const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined);
  return { requestId: requestIdOf(headers, clock), device: deviceOfHeaders(header) };
}
