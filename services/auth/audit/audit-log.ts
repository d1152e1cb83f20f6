import type { AuditLogEntry_Action } from '#gen/oxo/admin/v1/audit_log.ts';
import { systemClock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { type Caller, viewerOf } from '#kit/identity/caller.ts';
import { newId } from '#kit/ids.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { type Device, deviceOf, networkOf } from '../origin/device.ts';

/** What can happen: the names of the contract. */
export type AuditAction = Exclude<keyof typeof AuditLogEntry_Action, 'ACTION_UNSPECIFIED' | 'UNRECOGNIZED'>;
export type AuditOutcome = 'SUCCEEDED' | 'REFUSED';

export interface Actor {
  kind: 'PERSON' | 'CLIENT' | 'SERVICE' | 'OPERATOR' | 'NOBODY';
  id: string;
}

/** What happened. Ids and numbers only: no secret, no address of email, no text that somebody has typed. */
export interface AuditEvent {
  action: AuditAction;
  /** SUCCEEDED when absent. */
  outcome?: AuditOutcome;
  /** To whose account. */
  accountId?: string | undefined;
  /** Who did it, where the call does not tell. */
  actor?: Actor;
  sessionId?: string;
  keyId?: string;
  clientId?: string;
  details?: Readonly<Record<string, string | number>>;
}

/** The call by which it happened, as far as there is one: a handler gives its context. */
export type AuditedCall = Pick<CallContext, 'requestId'> &
  Partial<Pick<CallContext, 'metadata' | 'caller'>> & { device?: Device };

/** What an operator calls itself. */
const OPERATOR = 'operator';
const MAX_DETAIL_CHARACTERS = 256;
const MAX_REQUEST_ID_CHARACTERS = 128;

export const RECORD = {
  name: 'audit-record',
  text: `insert into audit.log (id, action, outcome, account_id, actor_kind, actor_id, session_id, key_id, client_id, network,
      user_agent, request_id, details)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
};

export const NOBODY: Actor = { kind: 'NOBODY', id: '' };

/** The person as the actor: of a sign-in, which no token tells yet. */
export function person(id: string): Actor {
  return { kind: 'PERSON', id };
}

/**
 * Adds an entry to the log. In the transaction of what it tells, so that neither is there without the other; the time is that of Postgres,
 * and nobody who writes can choose it.
 */
export async function recordAudit(tx: Queryable, event: AuditEvent, call: AuditedCall): Promise<void> {
  const { action, outcome = 'SUCCEEDED', accountId, sessionId = '', keyId = '', clientId = '', details = {} } = event;
  const actor = event.actor ?? actorOf(call.caller);
  const { network, userAgent } = originOf(call);
  await tx.query(RECORD, [
    ...[newId(systemClock.nowMs()), action, outcome, accountId ?? null, actor.kind, actor.id],
    ...[sessionId, keyId, clientId, network, userAgent],
    ...[call.requestId.slice(0, MAX_REQUEST_ID_CHARACTERS), JSON.stringify(bounded(details))],
  ]);
}

/** Where a call comes from: nothing for one of our services, whose own address would say nothing. */
export function originOf(call: AuditedCall): { network: string; userAgent: string } {
  if (call.caller?.kind === 'service') return { network: '', userAgent: '' };
  const device = call.device ?? (call.metadata === undefined ? undefined : deviceOf({ metadata: call.metadata }));
  return { network: networkOf(device?.ip ?? ''), userAgent: device?.userAgent ?? '' };
}

/** Without a call, it is auth itself. */
export function actorOf(caller: Caller | undefined): Actor {
  if (caller === undefined) return { kind: 'SERVICE', id: 'auth' };
  const viewer = viewerOf({ caller });
  if (viewer !== undefined) return person(viewer.userId);
  if (caller.kind !== 'service') return NOBODY;
  return caller.service === OPERATOR ? { kind: 'OPERATOR', id: '' } : { kind: 'SERVICE', id: caller.service };
}

function bounded(details: Readonly<Record<string, string | number>>): Record<string, string> {
  const entries = Object.entries(details).map(([name, value]) => [name, String(value).slice(0, MAX_DETAIL_CHARACTERS)]);
  return Object.fromEntries(entries);
}
